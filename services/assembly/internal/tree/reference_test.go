package tree

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawSpans draws the spans of a trace of few ids, so that they are shared, missing and in cycles, of few times, so that
// they are equal, and of several services. No two agree in id, kind and service.
func drawSpans(t *rapid.T, most int) []Span {
	var spans []Span
	for range rapid.IntRange(0, most).Draw(t, "n") {
		s := span(rapid.Uint64Range(1, 12).Draw(t, "id"), rapid.Uint64Range(0, 14).Draw(t, "parent"),
			Kind(rapid.IntRange(0, 5).Draw(t, "kind")), rapid.Uint64Range(0, 5).Draw(t, "start"), rapid.Uint64Range(0, 9).Draw(t, "end"))
		s.Service = rapid.Int32Range(0, 2).Draw(t, "service")
		if rapid.IntRange(0, 4).Draw(t, "no start") == 0 {
			s.Start = 0
		}
		if rapid.IntRange(0, 4).Draw(t, "no end") == 0 {
			s.End = 0
		}
		if !slices.ContainsFunc(spans, func(o Span) bool { return o.ID == s.ID && o.Kind == s.Kind && o.Service == s.Service }) {
			spans = append(spans, s)
		}
	}
	return spans
}

// name tells a span from all others.
func name(s *Span) string { return fmt.Sprintf("%d/%d/%d", number(s.ID), s.Kind, s.Service) }

// shape is a tree in names: nothing of it depends on where a span lies in the input.
type shape struct {
	Parent map[string]string
	Place  map[string]Place
	Cycles [][]string
	Roots  []string
	Told   []string
}

func shapeOf(t *Tree) shape {
	sh := shape{Parent: map[string]string{}, Place: map[string]Place{}, Told: told(t)}
	names := func(of []int32) (list []string) {
		for _, i := range of {
			list = append(list, name(&t.Spans[i]))
		}
		return list
	}
	places := t.Places()
	for i := range t.Spans {
		self := name(&t.Spans[i])
		sh.Place[self] = places[i]
		if up := t.Parent[i]; up != None {
			sh.Parent[self] = name(&t.Spans[up])
		}
	}
	for _, c := range t.Cycles {
		sh.Cycles = append(sh.Cycles, names(c))
	}
	sh.Roots = names(t.Roots)
	return sh
}

// reference finds the shape by the words of the package comment alone, looking at every span for every question.
func reference(spans []Span) shape {
	sh := shape{Parent: map[string]string{}, Place: map[string]Place{}}
	up := make([]int, len(spans))
	for i := range spans {
		up[i] = referenceParent(spans, i)
	}
	order := func(i, j int) int {
		start := func(s Span) uint64 { return cmp.Or(s.Start, s.End, ^uint64(0)) }
		a, b := spans[i], spans[j]
		return cmp.Or(cmp.Compare(start(a), start(b)), cmp.Compare(number(a.ID), number(b.ID)),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Service, b.Service))
	}
	all := make([]int, len(spans))
	for i := range all {
		all[i] = i
	}
	slices.SortFunc(all, order)
	cut := map[int]bool{}
	for _, i := range all { // the first of a cycle comes first
		var above []int
		for at := up[i]; at >= 0 && len(above) < len(spans); at = up[at] {
			if above = append(above, at); at == i {
				break
			}
		}
		if len(above) == 0 || above[len(above)-1] != i {
			continue
		}
		slices.Reverse(above)
		var cycle []string
		for _, at := range above {
			cycle = append(cycle, name(&spans[at]))
		}
		sh.Cycles = append(sh.Cycles, cycle)
		cut[i], up[i] = true, -1
	}
	for _, i := range all {
		self := name(&spans[i])
		switch {
		case cut[i]:
			sh.Place[self] = Cut
		case up[i] >= 0:
			sh.Place[self], sh.Parent[self] = Child, name(&spans[up[i]])
		case spans[i].Parent.IsZero():
			sh.Place[self] = Root
			sh.Roots = append(sh.Roots, self)
		default:
			sh.Place[self] = Lost
		}
	}
	return sh
}

// referenceParent gives the index of the parent of span i, -1 without one.
func referenceParent(spans []Span, i int) int {
	s := spans[i]
	best, points := -1, -1
	for j, p := range spans {
		worth := -1
		switch {
		case s.Kind.Receives() && p.ID == s.ID && p.Kind.Sends():
			worth = 10
		case s.Parent.IsZero() || p.ID != s.Parent || p.ID == s.ID && j != i:
		case p.Service == s.Service && p.Kind.Receives():
			worth = 4
		case p.Service == s.Service:
			worth = 3
		case p.Kind.Receives():
			worth = 2
		default:
			worth = 1
		}
		if worth < 0 {
			continue
		}
		first := best < 0 || cmp.Or(cmp.Compare(p.Kind, spans[best].Kind), cmp.Compare(p.Service, spans[best].Service)) < 0
		if worth > points || worth == points && first {
			best, points = j, worth
		}
	}
	return best
}

func TestTheForestIsWhatThePackageCommentSays(t *testing.T) {
	var b Builder // is used again
	rapid.Check(t, func(t *rapid.T) {
		spans := drawSpans(t, 30)
		got := shapeOf(b.Build(spans))
		got.Told = nil
		require.Equal(t, reference(spans), got)
	})
}

func TestTheForestIsTheSameForEveryOrderOfArrival(t *testing.T) {
	var b Builder
	rapid.Check(t, func(t *rapid.T) {
		spans := drawSpans(t, 30)
		want := shapeOf(b.Build(spans))
		require.Equal(t, want, shapeOf(b.Build(rapid.Permutation(spans).Draw(t, "order"))))
	})
}
