package critical

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

const base = 1_000_000

// span makes a span from small numbers; times count from base.
func span(n, parent uint64, kind tree.Kind, start, end uint64) tree.Span {
	s := tree.Span{Kind: kind, Start: base + start, End: base + end}
	binary.BigEndian.PutUint64(s.ID[:], n)
	binary.BigEndian.PutUint64(s.Parent[:], parent)
	return s
}

func find(spans []tree.Span) (*tree.Tree, Path) {
	t := new(tree.Builder).Build(spans)
	return t, Find(t)
}

// text writes a path as "1:0-10 -:10-12".
func text(t *tree.Tree, p Path) string {
	var parts []string
	for _, s := range p.Segments {
		name := "-"
		if s.Span != tree.None {
			name = fmt.Sprint(number(t.Spans[s.Span].ID))
		}
		parts = append(parts, fmt.Sprintf("%s:%d-%d", name, s.Start-base, s.End-base))
	}
	return strings.Join(parts, " ")
}

func number(s id.Span) uint64 { return binary.BigEndian.Uint64(s[:]) }

func TestPathOfKnownShapes(t *testing.T) {
	const in, srv, cli, prod, cons = tree.Internal, tree.Server, tree.Client, tree.Producer, tree.Consumer
	for _, c := range []struct {
		name  string
		spans []tree.Span
		want  string
	}{
		{"a single span is its own path", []tree.Span{span(1, 0, srv, 0, 10)}, "1:0-10"},
		{
			"children one after the other share the parent's time",
			[]tree.Span{span(1, 0, srv, 0, 100), span(2, 1, in, 10, 30), span(3, 1, in, 40, 90)},
			"1:0-10 2:10-30 1:30-40 3:40-90 1:90-100",
		},
		{
			"of concurrent children the one that ends last counts",
			[]tree.Span{span(1, 0, srv, 0, 100), span(2, 1, in, 10, 60), span(3, 1, in, 10, 90)},
			"1:0-10 3:10-90 1:90-100",
		},
		{
			"a child that runs while the path is in its sibling is passed over, the one before it is not",
			[]tree.Span{span(1, 0, srv, 0, 100), span(2, 1, in, 5, 20), span(3, 1, in, 15, 50), span(4, 1, in, 40, 90)},
			"1:0-5 2:5-20 1:20-40 4:40-90 1:90-100",
		},
		{
			"an asynchronous child that outlives its parent, but not the trace, is passed over",
			[]tree.Span{span(1, 0, srv, 0, 100), span(2, 1, in, 10, 50), span(3, 2, in, 20, 80)},
			"1:0-10 2:10-50 1:50-100",
		},
		{
			"an asynchronous child that ends the trace is the path, from where its parent started it",
			[]tree.Span{span(1, 0, srv, 0, 50), span(2, 1, in, 10, 40), span(3, 1, in, 20, 90)},
			"1:0-20 3:20-90",
		},
		{
			"waiting in a queue belongs to nobody",
			[]tree.Span{span(1, 0, srv, 0, 50), span(2, 1, prod, 10, 12), span(3, 2, cons, 60, 90)},
			"1:0-10 2:10-12 -:12-60 3:60-90",
		},
		{
			"between roots lies a gap",
			[]tree.Span{span(1, 0, srv, 0, 20), span(2, 0, srv, 30, 50)},
			"1:0-20 -:20-30 2:30-50",
		},
		{
			"of overlapping roots each counts until the next one starts",
			[]tree.Span{span(1, 0, srv, 0, 40), span(2, 0, srv, 30, 50)},
			"1:0-30 2:30-50",
		},
		{
			"a root inside another adds nothing",
			[]tree.Span{span(1, 0, srv, 0, 100), span(2, 0, srv, 30, 50)},
			"1:0-100",
		},
		{
			"an orphan counts as a top",
			[]tree.Span{span(1, 0, srv, 0, 20), span(2, 77, srv, 20, 50)},
			"1:0-20 2:20-50",
		},
		{
			"a server that its client waits for is cut to the client",
			[]tree.Span{span(1, 0, srv, 0, 100), span(2, 1, cli, 10, 50), span(3, 2, srv, 20, 60)},
			"1:0-10 2:10-20 3:20-50 1:50-100",
		},
		{
			"a child with a clock that is behind counts from its parent's start",
			[]tree.Span{span(1, 0, srv, 10, 100), span(2, 1, srv, 0, 50)},
			"-:0-10 2:10-50 1:50-100",
		},
		{
			"a child wholly before its parent is passed over",
			[]tree.Span{span(1, 0, srv, 50, 100), span(2, 1, srv, 0, 40)},
			"-:0-50 1:50-100",
		},
		{
			"a cycle is walked from where it is cut",
			[]tree.Span{span(1, 2, in, 0, 50), span(2, 1, in, 10, 40)},
			"1:0-10 2:10-40 1:40-50",
		},
		{
			"a span that ends before it starts takes no time",
			[]tree.Span{span(1, 0, srv, 0, 50), span(2, 1, in, 30, 20)},
			"1:0-50",
		},
		{"no time at all gives no path", []tree.Span{{ID: id.Span{1}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, p := find(c.spans)
			require.Equal(t, c.want, text(got, p))
		})
	}
}

func TestPathTilesEveryTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := rapid.SliceOfN(anySpan(), 1, 14).Draw(t, "spans")
		tr, p := find(spans)
		if tr.Start == tr.End {
			require.Empty(t, p.Segments)
			return
		}
		require.NotEmpty(t, p.Segments)
		at := tr.Start
		for _, s := range p.Segments {
			require.Equal(t, at, s.Start)
			require.Less(t, s.Start, s.End)
			if s.Span != tree.None {
				require.LessOrEqual(t, tr.Spans[s.Span].Start, s.Start)
				require.GreaterOrEqual(t, tr.Spans[s.Span].End, s.End)
			}
			at = s.End
		}
		require.Equal(t, tr.End, at)
	})
}

func TestPathIsTheSameForEveryOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := distinct(rapid.SliceOfN(anySpan(), 1, 10).Draw(t, "spans"))
		one, p := find(spans)
		two, q := find(rapid.Permutation(spans).Draw(t, "shuffled"))
		require.Equal(t, text(one, p), text(two, q))
	})
}

func TestRemovingALeafOffThePathChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := nested(t)
		tr, p := find(spans)
		on := make(map[int32]bool)
		for _, s := range p.Segments {
			on[s.Span] = true
		}
		for i := range spans {
			if on[int32(i)] || len(tr.Children(int32(i))) > 0 {
				continue
			}
			rest := append(append([]tree.Span{}, spans[:i]...), spans[i+1:]...)
			other, q := find(rest)
			require.Equal(t, text(tr, p), text(other, q))
		}
	})
}

func TestPathIsThatOfTheReferenceWhichStepsThroughTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := nested(t)
		tr, p := find(spans)
		require.Equal(t, reference(tr), text(tr, p))
	})
}

// reference goes back from the end one unit at a time and asks at each where the path is. It holds for one root and
// clocks that agree.
func reference(t *tree.Tree) string {
	at, p := tree.None, Path{}
	for i, s := range t.Spans {
		if s.End == t.End {
			at = int32(i)
		}
	}
	for now := t.End; now > t.Start; {
		if c := endsAt(t, at, now); c != tree.None {
			at = c
			continue
		}
		if t.Spans[at].Start == now {
			at = t.Parent[at]
			continue
		}
		owner := at
		if t.Spans[at].End < now {
			owner = tree.None
		}
		now--
		if n := len(p.Segments); n > 0 && p.Segments[0].Span == owner {
			p.Segments[0].Start = now
			continue
		}
		p.Segments = append([]Segment{{Span: owner, Start: now, End: now + 1}}, p.Segments...)
	}
	return text(t, p)
}

// endsAt gives the child of i that ended just now, for as long as i itself was there to wait for it.
func endsAt(t *tree.Tree, i int32, now uint64) int32 {
	if t.Spans[i].End < now {
		return tree.None
	}
	for j, s := range t.Spans {
		if t.Parent[j] == i && s.End == now && s.Start < now {
			return int32(j)
		}
	}
	return tree.None
}

// nested draws a trace of one root with asynchronous and concurrent children, no child before its parent, and no two
// ends alike.
func nested(t *rapid.T) []tree.Span {
	n := rapid.IntRange(1, 9).Draw(t, "n")
	ends := rapid.Permutation(seq(60, 60+4*n)).Draw(t, "ends")
	spans := []tree.Span{span(1, 0, tree.Internal, 0, uint64(ends[0]))}
	for i := 1; i < n; i++ {
		p := rapid.IntRange(0, i-1).Draw(t, "parent")
		start := rapid.Uint64Range(spans[p].Start-base, 59).Draw(t, "start")
		end := uint64(ends[i])
		if rapid.Bool().Draw(t, "short") {
			end = start + uint64(i) + 1
		}
		if taken(spans, base+end) {
			end = uint64(ends[i])
		}
		spans = append(spans, span(uint64(i+1), uint64(p+1), tree.Internal, start, end))
	}
	return spans
}

func taken(spans []tree.Span, end uint64) bool {
	for _, s := range spans {
		if s.End == end {
			return true
		}
	}
	return false
}

func seq(from, to int) []int {
	var s []int
	for i := from; i < to; i++ {
		s = append(s, i)
	}
	return s
}

func anySpan() *rapid.Generator[tree.Span] {
	return rapid.Custom(func(t *rapid.T) tree.Span {
		s := span(rapid.Uint64Range(1, 10).Draw(t, "id"), rapid.Uint64Range(0, 12).Draw(t, "parent"),
			tree.Kind(rapid.IntRange(1, 5).Draw(t, "kind")), rapid.Uint64Range(0, 20).Draw(t, "start"),
			rapid.Uint64Range(0, 20).Draw(t, "end"))
		if rapid.IntRange(0, 9).Draw(t, "untimed") == 0 {
			s.Start = 0
		}
		if rapid.IntRange(0, 9).Draw(t, "endless") == 0 {
			s.End = 0
		}
		return s
	})
}

func distinct(spans []tree.Span) []tree.Span {
	type key struct {
		id   id.Span
		kind tree.Kind
	}
	seen := make(map[key]bool)
	var out []tree.Span
	for _, s := range spans {
		if k := (key{s.ID, s.Kind}); !seen[k] {
			seen[k], out = true, append(out, s)
		}
	}
	return out
}

func BenchmarkPathOfAThousandSpans(b *testing.B) {
	spans := []tree.Span{span(1, 0, tree.Server, 0, 10000)}
	for i := uint64(2); i <= 1000; i++ {
		spans = append(spans, span(i, i/3+1, tree.Internal, i, 9000-i))
	}
	t := new(tree.Builder).Build(spans)
	for b.Loop() {
		Find(t)
	}
}
