package balance

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/id"
)

var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestTurnsAreFairAlsoWhenOneIsAway(t *testing.T) {
	var r RoundRobin
	pick := func(among ...int) int { return r.Pick(among) }
	require.Equal(t, []int{0, 1, 2, 0}, []int{pick(0, 1, 2), pick(0, 1, 2), pick(0, 1, 2), pick(0, 1, 2)})
	require.Equal(t, []int{2, 0, 2, 0}, []int{pick(0, 2), pick(0, 2), pick(0, 2), pick(0, 2)})
	require.Equal(t, 1, pick(0, 1, 2))
}

func TestTurnsAreEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "endpoints")
		among := make([]int, n)
		for i := range among {
			among[i] = i * 3
		}
		var r RoundRobin
		r.Pick([]int{rapid.IntRange(0, 30).Draw(t, "begin")})
		counts := map[int]int{}
		for range 5 * n {
			counts[r.Pick(among)]++
		}
		for _, i := range among {
			if counts[i] != 5 {
				t.Fatalf("endpoint %d: %d of %d", i, counts[i], 5*n)
			}
		}
	})
}

func TestTheLeastBusyIsPickedAndTiesTakeTurns(t *testing.T) {
	var l LeastConnections
	busy := []int{3, 1, 2, 1}
	pick := func(among ...int) int { return l.Pick(among, func(i int) int { return busy[i] }) }
	require.Equal(t, []int{1, 3, 1, 3}, []int{pick(0, 1, 2, 3), pick(0, 1, 2, 3), pick(0, 1, 2, 3), pick(0, 1, 2, 3)})
	require.Equal(t, 2, pick(0, 2))
	busy[0] = 0
	require.Equal(t, 0, pick(0, 1, 2, 3))
}

func traces(seed uint64, n int) []id.Trace {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]id.Trace, n)
	for i := range out {
		binary.BigEndian.PutUint64(out[i][:], rng.Uint64())
		binary.BigEndian.PutUint64(out[i][8:], rng.Uint64())
	}
	return out
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("backend-%d:4317", i)
	}
	return out
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestOnlyTheTracesOfAnEndpointThatGoesMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "endpoints")
		gone := rapid.IntRange(0, n-1).Draw(t, "gone")
		c, moved := NewConsistent(names(n)), 0
		const count = 2000
		for _, trace := range traces(rapid.Uint64().Draw(t, "seed"), count) {
			before := c.Pick(all(n), trace)
			after := c.Pick(slices.Delete(all(n), gone, gone+1), trace)
			if before != gone && after != before {
				t.Fatalf("trace %s moved from %d to %d though %d went", trace, before, after, gone)
			}
			if before != after {
				moved++
			}
		}
		// The share of one endpoint is 1/n; 5 standard deviations of a binomial are allowed above it.
		if share := float64(count) / float64(n); float64(moved) > share+5*sigma(count, n) {
			t.Fatalf("%d of %d moved with %d endpoints", moved, count, n)
		}
	})
}

func sigma(count, n int) float64 {
	p := 1 / float64(n)
	return math.Sqrt(float64(count) * p * (1 - p))
}

func TestTheOrderInWhichEndpointsAreListedDoesNotMatter(t *testing.T) {
	forward, backward := names(7), names(7)
	slices.Reverse(backward)
	a, b := NewConsistent(forward), NewConsistent(backward)
	for _, trace := range traces(1, 1000) {
		require.Equal(t, forward[a.Pick(all(7), trace)], backward[b.Pick(all(7), trace)])
	}
}

func TestTracesSpreadEvenlyEvenIfTheirIdsHardlyDiffer(t *testing.T) {
	const count, n = 20000, 5
	c := NewConsistent(names(n))
	counts := make([]int, n)
	for i := range count {
		var trace id.Trace
		binary.BigEndian.PutUint64(trace[8:], uint64(i))
		counts[c.Pick(all(n), trace)]++
	}
	for _, got := range counts {
		require.InDelta(t, count/n, got, 5*sigma(count, n))
	}
}

func TestThreeFailuresMakeItIllAndTwoSuccessesHealIt(t *testing.T) {
	var h Health
	now := start
	var ill []bool
	for _, answered := range []bool{true, false, false, true, false, false, false, true, false, true, true} {
		now = now.Add(10 * time.Second)
		h = h.Probed(answered, now, HealthSettings{})
		require.Equal(t, now.Add(10*time.Second), h.Next)
		ill = append(ill, h.Ill)
	}
	require.Equal(t, []bool{false, false, false, false, false, false, true, true, true, true, false}, ill)
	require.Equal(t, now, h.Changed)
}

func TestAStandbyWorksOnlyWhileNoPrimaryCan(t *testing.T) {
	up, down, busy := Member{Healthy: true, Ready: true}, Member{Ready: true}, Member{Healthy: true}
	at := func(priority int, m Member) Member { m.Priority = priority; return m }
	for name, c := range map[string]struct {
		members []Member
		want    []int
	}{
		"the primaries share":                   {[]Member{at(1, up), at(0, up), at(0, up)}, []int{1, 2}},
		"one primary is left":                   {[]Member{at(1, up), at(0, down), at(0, up)}, []int{2}},
		"the standby takes over":                {[]Member{at(1, up), at(0, down), at(0, busy)}, []int{0}},
		"a last resort when none is healthy":    {[]Member{at(1, down), at(0, down)}, []int{1}},
		"nobody, since the healthy one is busy": {[]Member{at(1, busy), at(0, down)}, nil},
		"nobody at all":                         {nil, nil},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, Candidates(nil, c.members)) })
	}
}

// However many endpoints are down, a round ends.
func TestARoundTriesEveryEndpointOnceAndEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "endpoints")
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		var round Round
		attempts := 0
		for going := true; going; attempts++ {
			members := make([]Member, n)
			for i := range members {
				members[i] = Member{Priority: i % 2, Healthy: true, Ready: !round.Tried(i)}
			}
			among := Candidates(nil, members)
			if len(among) == 0 {
				break
			}
			going = round.Failed(among[0], limit)
		}
		if attempts != min(n, limit) {
			t.Fatalf("%d attempts, want %d", attempts, min(n, limit))
		}
		round.Reset()
		if round.Tried(0) {
			t.Fatal("a new round remembers the last")
		}
	})
}
