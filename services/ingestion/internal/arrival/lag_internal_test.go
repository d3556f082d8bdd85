package arrival

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestEveryBucketHoldsItsMiddleAndStandsInOrder(t *testing.T) {
	for i := range buckets {
		require.Equal(t, i, bucket(uint64(middle(i))))
		require.True(t, i == 0 || middle(i) > middle(i-1))
	}
	require.Zero(t, bucket(0))
	require.Equal(t, buckets-1, bucket(1<<63))
}

func TestAQuantileIsOffByASixteenthAtMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lags := rapid.SliceOfN(rapid.Uint64Range(shortest, longest-1), 1, 200).Draw(t, "lags")
		q := rapid.Float64Range(0.01, 1).Draw(t, "q")
		var h histogram
		for _, lag := range lags {
			h.add(bucket(lag), 1)
		}
		slices.Sort(lags)
		at := 0
		for float64(at+1) < q*float64(len(lags)) {
			at++
		}
		got, known := h.quantile(q)
		require.True(t, known)
		require.InEpsilon(t, float64(lags[at]), float64(got), 1./16)
	})
}

func TestAnEmptyHistogramSaysNothing(t *testing.T) {
	var h histogram
	_, known := h.quantile(0.5)
	require.False(t, known)
	require.Nil(t, h.proto())
}

func TestACountStaysAtTheHighestNumber(t *testing.T) {
	var h histogram
	h.add(3, 1<<40)
	h.add(3, 1)
	require.EqualValues(t, 1<<32-1, h.items())
}

func TestAWindowForgetsAfterOneToTwoMinutes(t *testing.T) {
	start := time.Unix(60_000, 0)
	var w window
	count := func(after time.Duration) uint64 {
		var h histogram
		w.into(&h, start.Add(after))
		return h.items()
	}
	w.at(start).add(0, 1)
	w.at(start.Add(time.Minute)).add(0, 10)
	require.EqualValues(t, 11, count(119*time.Second))
	require.EqualValues(t, 10, count(2*time.Minute))
	require.Zero(t, count(3*time.Minute))
	w.at(start.Add(2*time.Minute)).add(0, 100)
	require.EqualValues(t, 110, count(2*time.Minute))
}
