package admit

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWhoNeedsLessLeavesTheRestToTheOthers(t *testing.T) {
	for _, c := range []struct {
		capacity float64
		demands  []demand
		level    float64
	}{
		{100, nil, math.Inf(1)},
		{100, []demand{{50, 1}, {50, 1}}, math.Inf(1)},
		{100, []demand{{500, 1}}, 100},
		{100, []demand{{500, 1}, {500, 1}}, 50},
		{100, []demand{{10, 1}, {500, 1}, {500, 1}}, 45},
		{100, []demand{{500, 3}, {500, 1}}, 25},
		{100, []demand{{20, 1}, {30, 1}, {500, 1}}, 50},
	} {
		require.InDelta(t, c.level, fairLevel(c.capacity, c.demands), 1e-9, "%v", c)
	}
}

func TestTheFairLevelUsesUpTheCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var demands []demand
		all := 0.0
		for range rapid.IntRange(1, 50).Draw(t, "tenants") {
			d := demand{rapid.Float64Range(0, 1e9).Draw(t, "amount"), rapid.Float64Range(0.1, 10).Draw(t, "weight")}
			demands, all = append(demands, d), all+d.amount
		}
		capacity := rapid.Float64Range(1, 5e10).Draw(t, "capacity")
		level, used := fairLevel(capacity, demands), 0.0
		for _, d := range demands {
			used += min(d.amount, level*d.weight)
		}
		require.InEpsilon(t, 1+min(all, capacity), 1+used, 1e-9)
	})
}

func TestAFlowForgetsWhatWasLongAgo(t *testing.T) {
	var f flow
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	require.Zero(t, f.perSecond(now))
	for range 30 {
		f.add(now, 10)
		now = now.Add(100 * time.Millisecond)
	}
	require.InDelta(t, 100, f.perSecond(now), 1)
	require.InDelta(t, 100, f.perSecond(now.Add(-time.Hour)), 100, "a clock that goes back is no reason to forget")
	require.Zero(t, f.perSecond(now.Add(2*time.Second)))
}

func TestADelayStaysInItsBoundsAndIsSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		excess, rate := rapid.Float64Range(-1e12, 1e12).Draw(t, "excess"), rapid.Float64Range(0, 1e12).Draw(t, "rate")
		wait := drainWait(excess, rate)
		told := spreadOut(wait, rapid.Float64Range(0, 0.999999).Draw(t, "luck"))
		require.GreaterOrEqual(t, told, minWait)
		require.LessOrEqual(t, told, maxWait)
		require.GreaterOrEqual(t, told, wait)
	})
	require.Equal(t, 2*time.Second, drainWait(200, 100))
	require.Equal(t, 3*time.Second, spreadOut(2*time.Second, 1))
	require.Equal(t, time.Duration(math.MaxInt64), spreadOut(math.MaxInt64, 0.9), "it does not overflow")
}
