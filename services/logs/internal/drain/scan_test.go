package drain

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValuesAreMaskedAndPunctuationIsKept(t *testing.T) {
	for _, c := range []struct{ line, form string }{
		{"took 15ms, 3.5 MB, 45% done", "took <*> MB, <*> done"},
		{"from 10.0.0.1:8080 to [2001:db8::1]:443", "from <*> to [<*>]:<*>"},
		{"at 2026-06-20T09:27:49Z and 10:15:33.123", "at <*> and <*>"},
		{"on Sun Jul 17 2005", "on <*>"},
		{"id 0xdeadbeef 9f4ef63 deadbeefdeadbeef", "id <*>"},
		{"user=bob,role=admin ok=true", "user=<*>,role=<*> ok=<*>"},
		{"count = 17 a == b", "count = <*> a == b"},
		{`level=warn msg="no ads today" context="lamp coat"`, `level=warn msg="no ads today" context="<*>"`},
		{`{"event":"line_item","qty":5,"gift":false}`, `{"event":"line_item","qty":<*>,"gift":false}`},
		{`1.2.3.4 - "GET /cart?id=5&x=y HTTP/1.1" 200 17 "curl 8"`, `<*> - "GET <*> HTTP/<*>" <*> "<*>"`},
		{"items=[FY-4312, FY-30662] total=3", "items=<*> total=<*>"},
		{"opened /etc/app/x.conf of http://a.b/c?d=e by ann@example.com", "opened <*> of <*> by <*>"},
		{"blk_-160899 in jk2_init of node-65.eu-west-1.compute", "blk_<*> in jk<*>_init of <*>"},
		{"it's 'quoted text' isn't it", "it's '<*>' isn't it"},
		{"1, 2, 3 and\t 4", "<*> and <*>"},
		{"索引更新完成 文档=5", "索引更新完成 文档=<*>"},
		{"", ""},
		{"=", "="},
		{`"`, `"`},
	} {
		var s Scanner
		require.Equal(t, c.form, s.Scan(c.line, 128).Text(), c.line)
	}
}

func FuzzTokensJoinToTheCanonicalForm(f *testing.F) {
	for _, seed := range []string{"a=1, b", `x "y z" 'w`, "[1,2]=", "://=", "a=[b", "Sun Jul 1", "\x00=\xff"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, line string, limit int) {
		if limit < 1 || limit > 64 {
			limit = 5
		}
		var s Scanner
		tokens := s.Scan(line, limit)
		joined := ""
		for i := range tokens.Len() {
			require.NotEmpty(t, tokens.At(i))
			joined += string(tokens.At(i))
		}
		require.LessOrEqual(t, tokens.Len(), limit)
		require.Equal(t, tokens.Text(), joined)
		m := New("s", Limits{Templates: 2, Tokens: limit})
		a := m.Add(Line{Text: line})
		require.Same(t, a, m.Add(Line{Text: line}))
	})
}
