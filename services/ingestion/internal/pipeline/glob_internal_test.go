package pipeline

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAGlobMatchesAsTheRegularExpressionThatItStandsFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab.]{0,3}[*?][ab.*?]{0,5}`).Draw(t, "pattern")
		re := regexp.MustCompile("^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$")
		text := rapid.StringMatching(`[ab.]{0,8}`).Draw(t, "text")
		g := newGlob(pattern)
		require.Equal(t, re.MatchString(text), g.match([]byte(text)), "%s on %s", pattern, text)
	})
}
