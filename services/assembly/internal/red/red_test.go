package red

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func start() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func limits() Limits { return Limits{Step: 5 * time.Second, Services: 3, Operations: 2, Edges: 2} }

func at(d time.Duration) uint64 { return uint64(start().Add(d).UnixNano()) }

func TestQuantilesAreWithinFivePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint64Range(1<<lowBits, 1<<highBits-1), 1, 200).Draw(t, "values")
		var s Sketch
		for _, v := range values {
			s.Add(v)
		}
		slices.Sort(values)
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			want := float64(values[int(q*float64(len(values)-1))])
			got, ok := s.Quantile(q)
			require.True(t, ok)
			require.InEpsilon(t, want, got, 0.0304)
		}
	})
}

func TestMergingIsAsIfAllHadBeenAddedToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var one, a, b Sketch
		for _, v := range rapid.SliceOf(rapid.Uint64()).Draw(t, "a") {
			one.Add(v)
			a.Add(v)
		}
		for _, v := range rapid.SliceOf(rapid.Uint64()).Draw(t, "b") {
			one.Add(v)
			b.Add(v)
		}
		a.Merge(&b)
		require.Equal(t, one.Count(), a.Count())
		for q := 0.0; q <= 1; q += 0.1 {
			want, _ := one.Quantile(q)
			got, _ := a.Quantile(q)
			require.Equal(t, want, got)
		}
	})
}

func TestASketchIsBounded(t *testing.T) {
	var s Sketch
	s.Add(0)
	s.Add(1 << 63)
	require.Len(t, s.counts, buckets)
}

func TestARequestCountsInTheStepInWhichItEnded(t *testing.T) {
	b := New(limits())
	n := b.Node("cart", Service)
	b.Request(n, []byte("get"), Request{End: at(4 * time.Second), Duration: 1e6})
	b.Request(n, []byte("get"), Request{End: at(5 * time.Second), Duration: 1e6, Error: true})
	first, second := b.Step(start().Add(5*time.Second)), b.Step(start().Add(10*time.Second))
	require.Equal(t, uint64(1), first.Nodes[0].Requests)
	require.Zero(t, first.Nodes[0].Errors)
	require.Equal(t, uint64(1), second.Nodes[0].Errors)
}

func TestASilentServiceIsReportedWithZeros(t *testing.T) {
	b := New(limits())
	b.Request(b.Node("cart", Service), []byte("get"), Request{End: at(0), Duration: 1e6})
	step := b.Step(start().Add(10 * time.Minute))
	require.Len(t, step.Nodes, 1)
	require.Zero(t, step.Nodes[0].Requests)
	b.Forget(start().Add(2 * time.Hour))
	require.Empty(t, b.Step(start().Add(2*time.Hour)).Nodes)
}

func TestWindowsAddUpTheirSteps(t *testing.T) {
	b := New(limits())
	n := b.Node("cart", Service)
	for i := range 120 {
		b.Request(n, []byte("get"), Request{End: at(time.Duration(i) * time.Second), Duration: 1e6})
	}
	now := start().Add(120 * time.Second)
	for window, want := range map[time.Duration]uint64{10 * time.Second: 10, 60 * time.Second: 60, time.Hour: 120} {
		require.Equal(t, want, b.Nodes(Last(window, now))[0].Requests, window)
	}
}

func TestBeyondTheLimitsAllCountsAsOther(t *testing.T) {
	b := New(limits())
	for i := range 5 {
		n := b.Node(fmt.Sprint("s", i), Service)
		for j := range 5 {
			b.Request(n, fmt.Appendf(nil, "op%d", j), Request{End: at(0)})
		}
		b.Call(Edge{"s0", fmt.Sprint("s", i)}, Service, Request{End: at(0)})
	}
	s := Last(time.Minute, start().Add(time.Second))
	require.Equal(t, 4, len(b.Nodes(s)), "the three and other")
	require.Equal(t, uint64(10), b.Nodes(s)[0].Requests)
	require.Equal(t, uint64(3), b.Operations("s0", s)[0].Requests)
	require.Equal(t, 3, len(b.Edges(s)), "two and other")
	require.Positive(t, b.Overflow())
}

func TestWhatEndedTooLongAgoOrInTheFutureIsOutOfRange(t *testing.T) {
	now := start().Add(time.Hour)
	for d, want := range map[time.Duration]bool{
		0: true, -59 * time.Minute: true, -61 * time.Minute: false, 9 * time.Second: true, 11 * time.Second: false,
	} {
		require.Equal(t, want, InRange(uint64(now.Add(d).UnixNano()), now), d)
	}
	require.False(t, InRange(0, now))
}

func TestAnOldRequestCountsInTheLongWindowAndLeavesTheFineStepsAlone(t *testing.T) {
	b := New(limits())
	n := b.Node("cart", Service)
	b.Request(n, []byte("get"), Request{End: at(30 * time.Minute)})
	b.Request(n, []byte("get"), Request{End: at(0)})
	now := start().Add(30*time.Minute + time.Second)
	require.Equal(t, uint64(1), b.Nodes(Last(time.Minute, now))[0].Requests)
	require.Equal(t, uint64(2), b.Nodes(Last(time.Hour, now))[0].Requests)
}

func TestADependencyBecomesAServiceWhenItSendsSpans(t *testing.T) {
	b := New(limits())
	b.Call(Edge{"cart", "redis"}, Database, Request{End: at(0), Duration: 5})
	s := Last(time.Minute, start().Add(time.Second))
	require.Equal(t, Database, b.Nodes(s)[1].Kind)
	require.Equal(t, uint64(1), b.Nodes(s)[1].Requests)
	b.Node("redis", Service)
	require.Equal(t, Service, b.Nodes(s)[1].Kind)
}

func BenchmarkRequest(b *testing.B) {
	book := New(Limits{Step: 5 * time.Second, Services: 1000, Operations: 500, Edges: 10000})
	n := book.Node("cart", Service)
	op := []byte("GET /cart")
	b.ReportAllocs()
	for b.Loop() {
		book.Request(n, op, Request{End: at(0), Duration: 1e6})
	}
}
