package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWhatAPatternNeedsIsInEveryTextThatItMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.SampledFrom([]string{`\b\d{16}\b`, `(?i)bearer \S+`, `[\w.]+@[\w.]+\.\w+`, `(?i)sk(ab|c)+k`, `é|e`, `[^a]{3}`, `(?s).x.`, `(ab){2}b{2,}`, `x?y*z+`, `\x{212A}`, `(?i:K)é`, `a{0}b`, `(?:(?:a{2}){3}){2}`, `\pL\PL`}),
			rapid.StringMatching(`(\(\?i\))?([a-ck]{1,2}|[.]|\[\^?[ab-z]\]|\\d|\\W|\([abk]\|c\))([*+?]|\{[0-3]\})?([a-ck]|[.]|é)[*+?]?`),
		).Draw(t, "pattern")
		p, err := newPattern(text)
		require.NoError(t, err)
		match := rapid.OneOf(rapid.StringMatching(text), rapid.StringOf(rapid.RuneFrom([]rune("abckKsſ \u212a1é\ufffd.@x")))).Draw(t, "text")
		for _, b := range [][]byte{[]byte(match), append([]byte("\xff\xfe"), match...), []byte("\xffx\xfe")} {
			require.Equal(t, p.re.Match(b), matchesAny([]pattern{p}, b), "%q on %q", text, b)
		}
	})
}

func TestATextThatLacksWhatAPatternNeedsIsNotSearched(t *testing.T) {
	for text, candidates := range map[string][2]string{
		`\b\d{16}\b`:          {"4111-1111-1111-1111", "411-1111-1111-1111"},
		`(?i)bearer \S+`:      {"Bearer x", "bearr"},
		`[\w.]+@[\w.]+\.\w+`:  {"a@b.c", "a.b.c"},
		`\b\d{3}-\d{2}-\d{4}`: {"123-45-6789", "123-45-678"},
	} {
		p, err := newPattern(text)
		require.NoError(t, err)
		for i, c := range candidates {
			var there byteSet
			for _, b := range []byte(c) {
				there.add(b)
			}
			require.Equal(t, i == 0, p.possible(there, []byte(c)), "%s on %s", text, c)
		}
	}
}
