package histogram

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// observe makes the explicit histogram of values.
func observe(values []int, bounds []float64) Distribution {
	e := Explicit{bounds, make([]uint64, len(bounds)+1)}
	for _, v := range values {
		at, _ := slices.BinarySearch(bounds, float64(v))
		e.Counts[at]++
	}
	return Distribution{Count: uint64(len(values)), Explicit: e}
}

func values(t *rapid.T, label string) []int {
	return rapid.SliceOfN(rapid.IntRange(-3, 12), 0, 40).Draw(t, label)
}

func someBounds(t *rapid.T, label string) []float64 {
	return slices.DeleteFunc([]float64{-2, 0, 1, 2, 4, 8, 10}, func(float64) bool { return rapid.Bool().Draw(t, label) })
}

func TestWhatWasAddedIsExactAtTheBoundsThatBothHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, added := values(t, "first"), values(t, "added")
		old, fresh := someBounds(t, "old"), someBounds(t, "new")
		common := slices.DeleteFunc(slices.Clone(old), func(b float64) bool { return !slices.Contains(fresh, b) })
		grown, ok := observe(slices.Concat(first, added), fresh).Since(observe(first, old))
		require.True(t, ok)
		require.Equal(t, observe(added, common).Explicit.Counts, grown.Explicit.Counts)
		both := observe(first, old).Plus(observe(added, fresh))
		require.EqualValues(t, len(first)+len(added), both.Count)
		if len(first) > 0 && len(added) > 0 {
			require.Equal(t, observe(slices.Concat(first, added), common).Explicit.Counts, both.Explicit.Counts)
		}
	})
}

func TestAQuantileLiesBetweenTheBoundsOfItsValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, bounds := values(t, "all"), someBounds(t, "bounds")
		got, ok := observe(all, bounds).Quantile(0.9)
		require.Equal(t, len(all) > 0 && len(bounds) > 0, ok)
		if !ok {
			return
		}
		slices.Sort(all)
		at, _ := slices.BinarySearch(bounds, float64(all[int(math.Ceil(0.9*float64(len(all))))-1]))
		switch {
		case at == len(bounds): // beyond the last bound nothing is known
			require.Equal(t, bounds[at-1], got)
		case at > 0:
			require.True(t, bounds[at-1] <= got && got <= bounds[at], got)
		default:
			require.True(t, min(0, bounds[0]) <= got && got <= bounds[0], got)
		}
	})
}

func TestBucketsThatContradictThemselvesAreDroppedAndTheCountStays(t *testing.T) {
	for name, c := range map[string]struct {
		count uint64
		given Explicit
		want  Explicit
	}{
		"good":            {3, Explicit{[]float64{1}, []uint64{1, 2}}, Explicit{[]float64{1}, []uint64{1, 2}}},
		"none":            {3, Explicit{}, Explicit{}},
		"one too few":     {3, Explicit{[]float64{1, 2}, []uint64{1, 2}}, Explicit{}},
		"count differs":   {4, Explicit{[]float64{1}, []uint64{1, 2}}, Explicit{}},
		"bounds fall":     {3, Explicit{[]float64{2, 1}, []uint64{1, 1, 1}}, Explicit{}},
		"bound is NaN":    {3, Explicit{[]float64{math.NaN()}, []uint64{1, 2}}, Explicit{}},
		"bound is no end": {3, Explicit{[]float64{1, math.Inf(1)}, []uint64{1, 2, 0}}, Explicit{[]float64{1}, []uint64{1, 2}}},
	} {
		got := Distribution{Count: c.count, Explicit: c.given}.Usable()
		require.Equal(t, c.count, got.Count, name)
		require.Equal(t, c.want, got.Explicit, name)
	}
	many := observe(slices.Repeat([]int{3}, 10), nil)
	many.Explicit = Explicit{make([]float64, 1000), make([]uint64, 1001)}
	for i := range many.Explicit.Bounds {
		many.Explicit.Bounds[i] = float64(i)
	}
	many.Explicit.Counts[3] = 10
	many = many.Usable()
	require.LessOrEqual(t, len(many.Explicit.Counts), MaxBuckets)
	require.EqualValues(t, 10, total(many.Explicit.Counts))
}
