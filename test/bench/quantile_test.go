package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQuantilesAreTheNearestRank(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	require.Equal(t, spread{50, 99, 100}, spreadOf(hundred))
	require.Equal(t, spread{7, 7, 7}, spreadOf([]time.Duration{7}))
	require.Equal(t, spread{1, 2, 2}, spreadOf([]time.Duration{2, 1}))
	require.Zero(t, spreadOf(nil))
}

func TestAQuantileIsTheLeastValueThatCoversItsShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		took := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, 50), func(n int64) time.Duration { return time.Duration(n) }), 1, 200).Draw(t, "took")
		q := rapid.Float64Range(0.001, 1).Draw(t, "q")
		spreadOf(took) // sorts
		got := quantile(took, q)
		within, below := 0, 0
		for _, d := range took {
			if d <= got {
				within++
			}
			if d < got {
				below++
			}
		}
		require.GreaterOrEqual(t, float64(within), q*float64(len(took)))
		require.Less(t, float64(below), q*float64(len(took)))
	})
}
