package drain

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func line(text string) Line { return Line{Text: text, Time: time.Unix(1, 0), Severity: 9} }

func TestLinesThatDifferInValuesShareATemplate(t *testing.T) {
	m := New("cart", Limits{Templates: 10, Tokens: 64})
	a := m.Add(line("added 3 x EZ-58376 to cart d0c32ad3-b583-50c1-1b24-2a7db17b19f1 in 15ms"))
	b := m.Add(line("added 12 x FY-1 to cart 00000000-b583-50c1-1b24-2a7db17b19f1 in 1.5s"))
	require.Equal(t, "added <*> x EZ-<*> to cart <*> in <*>", a.Text())
	require.NotSame(t, a, b, "one odd word makes two templates at first")
}

func TestFewStatesOfAWordStayApart(t *testing.T) {
	m := New("compute", Limits{Templates: 10, Tokens: 64})
	for _, state := range []string{"Started", "Paused", "Resumed", "Stopped"} {
		m.Add(line("instance 7 VM " + state + " (Lifecycle Event)"))
	}
	require.Equal(t, 4, m.Len())
}

func TestAWordWithManyFormsBecomesAWildcardAndTakesItsFormsIn(t *testing.T) {
	m := New("mail", Limits{Templates: 10, Tokens: 64})
	var ids []ID
	for _, user := range []string{"ann", "bob", "carol", "dave", "eve", "fred"} {
		ids = append(ids, m.Add(line("session opened for user "+user+" by root")).ID)
	}
	require.Equal(t, 1, m.Len())
	for tmpl := range m.All {
		require.Equal(t, "session opened for user <*> by root", tmpl.Text())
		require.EqualValues(t, 6, tmpl.Count)
		require.Subset(t, append(tmpl.Aliases, tmpl.ID), ids)
	}
	_, removed := m.Changed()
	require.Len(t, removed, 3)
}

func TestTheIDStaysWhenTheTemplateWidens(t *testing.T) {
	m := New("mail", Limits{Templates: 10, Tokens: 64})
	for range 2 {
		m.Add(line("user ann has logged in from home"))
	}
	first := *m.Add(line("user ann has logged in from home"))
	for _, user := range []string{"bob", "carol", "dave", "eve"} {
		m.Add(line("user " + user + " has logged in from home"))
	}
	require.Equal(t, "user <*> has logged in from home", m.templates[first.ID].Text())

	again := New("mail", Limits{Templates: 10, Tokens: 64}).Add(line("user ann has logged in from home"))
	require.Equal(t, first.ID, again.ID, "the id comes from service and first form alone")
	other := New("web", Limits{Templates: 1, Tokens: 9}).Add(line("user ann has logged in from home"))
	require.NotEqual(t, first.ID, other.ID)
}

func TestAFloodOfUniqueLinesLeavesTheUsedTemplates(t *testing.T) {
	m := New("web", Limits{Templates: 20, Tokens: 64})
	for range 50 {
		m.Add(line("checkout failed: card declined"))
	}
	for i := range 5000 {
		m.Add(line(strings.Repeat(string(rune('a'+i%26)), 1+i/26%40) + " junk" + strings.Repeat("z", i%97)))
	}
	used := m.Add(line("checkout failed: card declined"))
	require.EqualValues(t, 51, used.Count)
	require.LessOrEqual(t, m.Len(), 20)
	require.EqualValues(t, 5051, total(m))
	require.Equal(t, Other, m.other.Text())
	require.Positive(t, m.other.Count)
}

func TestALineWithoutWordsIsCountedUnderOther(t *testing.T) {
	m := New("web", Limits{Templates: 1, Tokens: 4})
	require.Equal(t, Other, m.Add(line(" \t ")).Text())
	require.Equal(t, "<*>", m.Add(line("17 18")).Text())
	require.EqualValues(t, 2, total(m))
}

func TestALongLineIsCountedByItsStart(t *testing.T) {
	m := New("web", Limits{Templates: 5, Tokens: 8})
	long := strings.Repeat("word ", 100_000)
	a := m.Add(line(long))
	require.Same(t, a, m.Add(line(long+"!")))
	require.Len(t, a.Tokens, 8)
	require.Len(t, a.Example, maxExample)
}

func TestTheExampleEndsWithAWholeRune(t *testing.T) {
	m := New("web", Limits{Templates: 5, Tokens: 8})
	require.True(t, utf8.ValidString(m.Add(line("x"+strings.Repeat("é", 1000))).Example))
}

// words draws lines of few words, so that templates collide, with values among them.
func words() *rapid.Generator[string] {
	word := rapid.OneOf(
		rapid.SampledFrom([]string{"open", "close", "file", "user", "id=", "(", "a,b", "\"q\"", "x:", "level=warn", "[", "GET"}),
		rapid.Map(rapid.IntRange(0, 99), func(n int) string { return fmt.Sprint(n) }),
		rapid.StringMatching(`[a-c]{1,2}`),
	)
	return rapid.Map(rapid.SliceOfN(word, 0, 8), func(w []string) string { return strings.Join(w, " ") })
}

func TestCountsAlwaysAddUpToTheLinesSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New("s", Limits{Templates: rapid.IntRange(1, 8).Draw(t, "templates"), Tokens: rapid.IntRange(1, 6).Draw(t, "tokens")})
		stored := map[ID]Template{}
		for n := range rapid.IntRange(0, 200).Draw(t, "lines") {
			m.Add(line(words().Draw(t, "line")))
			require.EqualValues(t, n+1, total(m))
			require.LessOrEqual(t, m.Len(), m.limits.Templates)
			if n%7 == 0 {
				apply(stored, m)
			}
		}
		apply(stored, m)
		restored := New("s", m.limits)
		for _, tmpl := range stored {
			restored.Restore(tmpl)
		}
		require.Equal(t, total(m), total(restored), "what Changed told is all there is")
		require.Equal(t, m.keys, restored.keys)
	})
}

func TestALineFindsItsTemplateAgainWhileItLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New("s", Limits{Templates: 1000, Tokens: 6})
		lines := rapid.SliceOfN(words(), 1, 150).Draw(t, "lines")
		for _, l := range lines {
			m.Add(line(l))
		}
		before := m.Len()
		m.Changed()
		for _, l := range lines {
			m.Add(line(l))
		}
		require.Equal(t, before, m.Len(), "no line makes a second template")
		_, removed := m.Changed()
		require.Empty(t, removed)
	})
}

func TestATemplateKeepsItsShareOfConstants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New("s", Limits{Templates: 50, Tokens: 8})
		for _, l := range rapid.SliceOfN(words(), 1, 200).Draw(t, "lines") {
			m.Add(line(l))
		}
		for tmpl := range m.All {
			constants := 0
			for _, token := range tmpl.Tokens {
				if !wild(token) {
					constants++
				}
			}
			require.True(t, constants >= tmpl.Floor || !strings.Contains(tmpl.Text(), Wildcard) || constants == 0 && tmpl.Floor == 1,
				"%q has %d constants, want %d", tmpl.Text(), constants, tmpl.Floor)
		}
	})
}

func apply(stored map[ID]Template, m *Miner) {
	changed, removed := m.Changed()
	for _, id := range removed {
		delete(stored, id)
	}
	for _, tmpl := range changed {
		stored[tmpl.ID] = tmpl
	}
}

func total(m *Miner) (n uint64) {
	for tmpl := range m.All {
		n += tmpl.Count
	}
	return n
}

func BenchmarkAdd(b *testing.B) {
	lines := []string{
		"consumed message topic=orders.retry partition=8 offset=3127422 lag=203",
		"cache hit for key cart:678e8a64-60c1-4d3c-854a-3dd906e70459",
		`level=info ts=2026-06-20T09:27:49Z caller=ads.go:440 msg="ad served" campaign=17 user=alice latency=12ms`,
		"slow request: /api/cart/3705 took 5.34s (limit 500ms)",
		"Transaction 074aff5f-cacf-7dee-bb85-ebd98e140c3c processed in 1.93s",
	}
	m := New("shop", Limits{Templates: 1000, Tokens: 128})
	now := time.Unix(1, 0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Add(Line{Text: lines[i%len(lines)], Time: now})
		if i%1000 == 0 {
			m.Changed()
		}
	}
}
