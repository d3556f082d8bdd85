package meter

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTotalsAndWhatWasAddedGiveTheSameRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		totals, added := New(1), New(1)
		at, total := int64(100), 0.0
		for i := range rapid.IntRange(2, 20).Draw(t, "points") {
			from := at
			at += int64(rapid.IntRange(1, 90).Draw(t, "seconds"))
			grown := float64(rapid.IntRange(0, 1000).Draw(t, "grown"))
			total += grown
			a, _, _ := totals.Read(request(sum(ofTotals, number(100, at, total))), latest)
			b, _, _ := added.Read(request(sum(ofInterval, number(from, at, grown))), latest)
			if i == 0 {
				require.Empty(t, a) // a total alone says nothing of its interval
				continue
			}
			require.Equal(t, a, b)
		}
	})
}

func TestAQuantileLiesInTheBucketThatHoldsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := counts{bounds: []float64{1, 2, 4, 8}}
		for range 5 {
			c.buckets = append(c.buckets, float64(rapid.IntRange(0, 50).Draw(t, "bucket")))
		}
		q, ok := c.quantile(0.9)
		all, below := 0.0, 0.0
		for _, n := range c.buckets {
			all += n
		}
		require.Equal(t, all > 0, ok)
		if !ok {
			return
		}
		low := 0.0
		for i, high := range c.bounds {
			if below+c.buckets[i] >= 0.9*all {
				require.True(t, low <= q && q <= high, "%v in %v to %v", q, low, high)
				return
			}
			below += c.buckets[i]
			low = high
		}
		require.Equal(t, 8.0, q) // beyond the last bound nothing is known
	})
}
