package tree

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/id"
)

const base = 1000

// span makes a span from small numbers; times count from base, and the service is the hundreds of n.
func span(n, parent uint64, kind Kind, start, end uint64) Span {
	s := Span{Kind: kind, Start: base + start, End: base + end, Service: int32(n / 100)}
	binary.BigEndian.PutUint64(s.ID[:], n)
	binary.BigEndian.PutUint64(s.Parent[:], parent)
	return s
}

func failed(s Span) Span {
	s.Error = true
	return s
}

func numbers(t *Tree, of []int32) []uint64 {
	var ns []uint64
	for _, i := range of {
		ns = append(ns, number(t.Spans[i].ID))
	}
	return ns
}

// maze has two roots, a span that is its own parent, a cycle of two with a child hanging on it, and an orphan.
func maze() []Span {
	return []Span{
		span(1, 0, Server, 0, 100), span(2, 0, Internal, 10, 60), span(3, 1, Internal, 5, 50), span(4, 4, Internal, 6, 8),
		span(5, 6, Internal, 20, 30), span(6, 5, Internal, 21, 29), span(7, 5, Internal, 22, 23), span(8, 99, Internal, 40, 45),
	}
}

func TestEverySpanOfAMazeIsFoundOnceForEveryOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := new(Builder).Build(rapid.Permutation(maze()).Draw(t, "spans"))
		require.Equal(t, []uint64{1, 2}, numbers(tr, tr.Roots))
		require.Equal(t, []uint64{1, 4, 2, 5, 8}, numbers(tr, tr.Tops))
		require.Equal(t, []uint64{6, 7}, numbers(tr, tr.Children(tr.Order[4])))
		require.Equal(t, []string{"4 cycle of 1", "2 several roots", "5 cycle of 2", "6 cycle of 2", "8 orphan"}, told(tr))
		require.Equal(t, [][]uint64{{4}, {5, 6}}, [][]uint64{numbers(tr, tr.Cycles[0]), numbers(tr, tr.Cycles[1])})
		require.Equal(t, []id.Span{span(99, 0, 0, 0, 0).ID}, tr.Missing())
	})
}

func told(t *Tree) []string {
	var all []string
	for _, f := range t.Findings {
		n := number(t.Spans[f.Span].ID)
		switch f.Kind {
		case Orphan:
			all = append(all, fmt.Sprintf("%d orphan", n))
		case SeveralRoots:
			all = append(all, fmt.Sprintf("%d several roots", n))
		case Cycle:
			all = append(all, fmt.Sprintf("%d cycle of %d", n, f.Size))
		case StartsBeforeParent:
			all = append(all, fmt.Sprintf("%d starts before %d", n, number(t.Spans[f.Other].ID)))
		case NegativeDuration:
			all = append(all, fmt.Sprintf("%d negative", n))
		case NoEnd:
			all = append(all, fmt.Sprintf("%d no end", n))
		case NoStart:
			all = append(all, fmt.Sprintf("%d no start", n))
		}
	}
	return all
}

func TestTimesThatCannotBeNeverReachTheBounds(t *testing.T) {
	endless, timeless := span(3, 1, Internal, 20, 0), span(4, 1, Internal, 0, 0)
	endless.End, timeless.Start, timeless.End = 0, 0, 0
	tr := new(Builder).Build([]Span{span(1, 0, Server, 0, 100), span(2, 1, Internal, 50, 49), endless, timeless})
	require.Equal(t, []string{"3 no end", "2 negative", "4 no start"}, told(tr))
	require.Equal(t, uint64(base), tr.Start)
	require.Equal(t, uint64(base+100), tr.End)
	for i := range tr.Spans {
		require.LessOrEqual(t, tr.Duration(int32(i)), uint64(100))
	}
}

func TestASharedIDIsAClientAndItsServer(t *testing.T) {
	spans := []Span{span(101, 0, Client, 0, 100), span(101, 0, Server, 20, 80), span(202, 101, Client, 30, 60)}
	spans[1].Service = 2
	tr := new(Builder).Build(spans)
	require.Equal(t, []int32{None, 0, 1}, tr.Parent)
	require.Equal(t, []int32{0}, tr.Roots)
	require.Empty(t, tr.Findings)
}

func TestASpanBeforeItsParentIsFound(t *testing.T) {
	tr := new(Builder).Build([]Span{span(1, 0, Server, 10, 20), span(2, 1, Server, 5, 8)})
	require.Equal(t, []string{"2 starts before 1"}, told(tr))
}

func TestAnyGraphOfParentsGivesAForestWithEverySpanOnce(t *testing.T) {
	b := new(Builder)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "n")
		var spans []Span
		for range n {
			spans = append(spans, span(rapid.Uint64Range(1, 30).Draw(t, "id"), rapid.Uint64Range(0, 35).Draw(t, "parent"),
				Kind(rapid.IntRange(0, 5).Draw(t, "kind")), rapid.Uint64Range(0, 9).Draw(t, "start"),
				rapid.Uint64Range(0, 9).Draw(t, "end")))
		}
		tr := b.Build(spans)
		var seen []int32
		for stack := slices.Clone(tr.Tops); len(stack) > 0; {
			i := stack[len(stack)-1]
			stack = append(stack[:len(stack)-1], tr.Children(i)...)
			seen = append(seen, i)
		}
		slices.Sort(seen)
		require.Len(t, seen, n)
		require.Equal(t, n, len(slices.Compact(seen)))
	})
}

func TestSelfTimeIsWhatNoChildCovers(t *testing.T) {
	tr := new(Builder).Build([]Span{
		span(1, 0, Server, 0, 100), span(2, 1, Internal, 10, 40), span(3, 1, Internal, 30, 50), span(4, 1, Internal, 90, 150),
	})
	var w Workload
	w.Measure(tr)
	require.Equal(t, []uint64{50, 30, 20, 60}, w.Self)
}

func TestARequestIsChargedWithItsOwnServiceOnly(t *testing.T) {
	tr := new(Builder).Build([]Span{
		span(101, 0, Server, 0, 100),       // the front takes 10 before and 20 after its work
		span(102, 101, Internal, 10, 80),   // which takes 70, of which 50 in a call
		span(103, 102, Client, 20, 70),     // 10 of the call are spent on the way
		span(201, 103, Server, 25, 65),     // the back works 40, of which 30 are a query
		span(202, 201, Client, 30, 60),     // and that has no span of its own
		span(301, 999, Internal, 200, 300), // its local root is missing
	})
	var w Workload
	w.Measure(tr)
	require.Len(t, w.Requests, 2)
	require.Equal(t, uint64(30+20+10), w.Requests[0].Self)
	require.Equal(t, uint64(10), w.Requests[1].Self)
	require.Equal(t, []int32{0, 0, 0, 1, 1, None}, w.Of)
}

func TestAFailureBelongsToTheDeepestRequestThatFailed(t *testing.T) {
	call := func(front, client, back, query bool) []bool {
		spans := []Span{
			span(101, 0, Server, 0, 100), span(103, 101, Client, 20, 70), span(201, 103, Server, 25, 65), span(202, 201, Client, 30, 60),
		}
		for i, bad := range []bool{front, client, back, query} {
			spans[i].Error = bad
		}
		var w Workload
		w.Measure(new(Builder).Build(spans))
		return []bool{w.Requests[0].OwnError, w.Requests[1].OwnError}
	}
	require.Equal(t, []bool{false, false}, call(false, false, false, false))
	require.Equal(t, []bool{true, false}, call(true, false, false, false))
	require.Equal(t, []bool{false, true}, call(true, true, true, false))
	require.Equal(t, []bool{false, false}, call(true, true, true, true), "the query failed, which has no request of its own")
	require.Equal(t, []bool{false, false}, call(true, true, false, false), "the call failed on its way")
}

func TestALongChainOfOrphansIsMeasuredInOnePass(t *testing.T) {
	var spans []Span
	for i := uint64(2); i < 50_000; i++ {
		spans = append(spans, span(i, i-1, Internal, i, 60_000))
		spans[i-2].Service = 7
	}
	var w Workload
	w.Measure(new(Builder).Build(spans))
	require.Empty(t, w.Requests)
}

func BenchmarkBuildATraceOf100000Spans(b *testing.B) {
	var spans []Span
	for i := uint64(1); i <= 100_000; i++ {
		s := span(i*0x9e3779b97f4a7c15, i/3*0x9e3779b97f4a7c15, Kind(i%5+1), i/100, i/100+50)
		s.Service = int32(i % 7)
		spans = append(spans, s)
	}
	var build Builder
	for b.Loop() {
		build.Build(spans)
	}
}

func BenchmarkBuildAndMeasureTracesOfEightSpans(b *testing.B) {
	spans := []Span{failed(span(101, 0, Server, 0, 100))}
	for i := uint64(2); i <= 8; i++ {
		spans = append(spans, span(i*100, i/2*100, Kind(i%4+1), i, 90-i))
	}
	var build Builder
	var w Workload
	b.ReportAllocs()
	for b.Loop() {
		w.Measure(build.Build(spans))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8, "ns/span")
}
