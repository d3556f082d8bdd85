package jsonscan_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/jsonscan"
)

// depth is what the tests let values nest.
const depth = 50

func skip(s *jsonscan.Scanner) { s.Skip() }

func TestTheErrorSaysWhereAndWhat(t *testing.T) {
	for json, want := range map[string]string{
		``:                          "the JSON ends early, want a JSON value at byte 0",
		`[1 2]`:                     "'2', want ']' at byte 3",
		`{"a":1}{`:                  "'{', want the end of the JSON at byte 7",
		strings.Repeat(`[`, 1e6):    "JSON nested deeper than 50 at byte 51",
		`"` + "\x01" + `"`:          "control character 0x01 in a string at byte 1",
		`{"a":1,}`:                  "'}', want a key in quotes at byte 7",
		strings.Repeat(`{"a":`, 50): "the JSON ends early, want a JSON value at byte 250",
	} {
		require.EqualError(t, jsonscan.Read([]byte(json), depth, skip), want)
	}
	require.EqualError(t, &jsonscan.Error{Path: "spans[2].name", Offset: 9, Text: "null, want a string"}, "spans[2].name: null, want a string at byte 9")
}

func TestAReadEndsWithWhatItIsStoppedWith(t *testing.T) {
	enough := errors.New("enough")
	require.Same(t, enough, jsonscan.Read([]byte(`[1,2`), depth, func(s *jsonscan.Scanner) {
		s.Array(func(i int) {
			require.Equal(t, 1, s.Depth())
			s.Skip()
			s.Stop(enough)
		})
	}))
	require.Panics(t, func() { _ = jsonscan.Read(nil, depth, func(*jsonscan.Scanner) { panic("of another") }) })
}

func FuzzWhatIsReadIsJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1.5e+3,-0,true,null]}`, `"\u00e9\ud83d\ude00\ud800"`, `[01]`, "\"\xff\"", ` [ ] `, `nul`, `{"a"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := jsonscan.Read([]byte(text), depth, skip)
		if err == nil || !strings.Contains(err.Error(), "deeper") {
			require.Equal(t, json.Valid([]byte(text)), err == nil, "%v", err)
		}
		_ = jsonscan.Read([]byte(text), depth, func(s *jsonscan.Scanner) {
			if s.Peek() != '"' || !utf8.ValidString(text) {
				return
			}
			got := string(s.Text())
			var want string
			require.NoError(t, json.Unmarshal([]byte(text)[:s.Pos()], &want))
			require.Equal(t, want, got)
		})
	})
}
