package histogram

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// finest is the scale at which observations are drawn, as indexes.
const finest = 6

// observation is one in a bucket of the finest scale; sign 0 is the value zero.
type observation struct{ sign, index int }

func observations(t *rapid.T, label string) []observation {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) observation {
		return observation{rapid.IntRange(-1, 1).Draw(t, "sign"), rapid.IntRange(-200, 200).Draw(t, "index")}
	}), 0, 60).Draw(t, label)
}

// record makes what an SDK would that has lowered its scale to scale and widened its zero bucket to the lower bound of
// index wide at scale 0.
func record(all []observation, scale int, wide int) Distribution {
	e := Exponential{Scale: scale, ZeroThreshold: bound(0, float64(wide))}
	sides := map[int]map[int]uint64{-1: {}, 1: {}}
	for _, o := range all {
		if o.sign == 0 || o.index>>finest < wide {
			e.Zero++
			continue
		}
		sides[o.sign][o.index>>(finest-scale)]++
	}
	e.Negative, e.Positive = side(sides[-1]), side(sides[1])
	return Distribution{Count: uint64(len(all)), Exponential: e}
}

func side(counts map[int]uint64) Side {
	if len(counts) == 0 {
		return Side{}
	}
	low, high := math.MaxInt, math.MinInt
	for i := range counts {
		low, high = min(low, i), max(high, i)
	}
	s := Side{low, make([]uint64, high-low+1)}
	for i, n := range counts {
		s.Counts[i-low] = n
	}
	return s
}

func TestWhatWasAddedIsExactWhateverScalesAndZeroBucketsTheTotalsHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, added := observations(t, "first"), observations(t, "added")
		scales := rapid.SliceOfN(rapid.IntRange(0, finest), 2, 2).Draw(t, "scales")
		wide := rapid.SliceOfN(rapid.IntRange(-4, 3), 2, 2).Draw(t, "zero buckets")
		before := record(first, scales[0], wide[0])
		after := record(slices.Concat(first, added), scales[1], wide[1])
		grown, ok := after.Since(before)
		require.True(t, ok)
		want := record(added, slices.Min(scales), slices.Max(wide))
		require.Equal(t, want.Count, grown.Count)
		if len(first) == 0 { // nothing to be compared with
			want = after
		}
		requireSame(t, want.Exponential, grown.Exponential)
	})
}

func TestTwoTogetherAreAsIfTheyHadBeenObservedAsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := observations(t, "a"), observations(t, "b")
		scales := rapid.SliceOfN(rapid.IntRange(0, 3), 2, 2).Draw(t, "scales") // all indexes have room
		both := record(a, scales[0], -4).Plus(record(b, scales[1], -4))
		want := record(slices.Concat(a, b), slices.Min(scales), -4)
		require.Equal(t, want.Count, both.Count)
		if len(a) > 0 && len(b) > 0 {
			requireSame(t, want.Exponential, both.Exponential)
		}
	})
}

func requireSame(t *rapid.T, want, got Exponential) {
	require.Equal(t, want.Zero, got.Zero)
	require.Equal(t, want.Positive, got.Positive)
	require.Equal(t, want.Negative, got.Negative)
}

func TestABucketThatFellShowsThatTheCountBeganAgain(t *testing.T) {
	before := record([]observation{{1, 0}, {1, 100}, {0, 0}}, finest, -4)
	for name, after := range map[string][]observation{
		"count":       {{1, 0}},
		"bucket":      {{1, 0}, {1, 0}, {0, 0}, {1, 1}},
		"zero bucket": {{1, 0}, {1, 100}, {1, 100}},
	} {
		_, ok := record(after, finest, -4).Since(before)
		require.False(t, ok, name)
	}
}

func TestAnyBucketsAreBroughtWithinTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		any32 := rapid.OneOf(rapid.Int32(), rapid.Int32Range(-30, 30))
		draw := func(label string) Distribution {
			sides := make([]Side, 2)
			for i := range sides {
				sides[i] = Side{int(any32.Draw(t, label+" offset")), rapid.SliceOfN(rapid.Uint64Range(0, 3), 0, 1000).Draw(t, label+" counts")}
			}
			e := Exponential{
				int(any32.Draw(t, label+" scale")), rapid.Uint64Range(0, 3).Draw(t, label+" zero"), rapid.Float64().Draw(t, label+" threshold"), sides[0], sides[1],
			}
			return Distribution{Count: e.total(), Exponential: e}.Usable()
		}
		a, b := draw("a"), draw("b")
		both := a.Plus(b)
		require.Equal(t, a.Count+b.Count, both.Count)
		for _, d := range []Distribution{a, b, both} {
			require.LessOrEqual(t, len(d.Exponential.Positive.Counts), MaxBuckets)
			require.LessOrEqual(t, len(d.Exponential.Negative.Counts), MaxBuckets)
			require.Equal(t, d.Count, d.Exponential.total())
			v, ok := d.Quantile(rapid.Float64Range(0.001, 0.999).Draw(t, "q"))
			require.Equal(t, d.Count > 0, ok)
			require.True(t, finite(v), v)
		}
		if grown, ok := a.Since(b); ok {
			require.Equal(t, a.Count-b.Count, grown.Count)
		}
		grown, ok := a.Since(a)
		require.True(t, ok)
		require.Zero(t, grown.Count)
	})
}

func TestAQuantileLiesInTheBucketOfItsObservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := observations(t, "all")
		if len(all) == 0 {
			return
		}
		q := rapid.Float64Range(0.01, 0.99).Draw(t, "q")
		slices.SortFunc(all, func(a, b observation) int {
			if a.sign != b.sign {
				return a.sign - b.sign
			}
			return a.sign * (a.index - b.index)
		})
		at := all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
		got, ok := record(all, finest, -100).Quantile(q)
		require.True(t, ok)
		low, high := bound(finest, float64(at.index)), bound(finest, float64(at.index+1))
		switch at.sign {
		case 0:
			low, high = 0, 0
		case -1:
			low, high = -high, -low
		}
		require.True(t, got >= low*(1-1e-9*float64(at.sign)) && got <= high*(1+1e-9*float64(at.sign)), "%v in [%v, %v]", got, low, high)
	})
}

func TestNothingObservedHasNoQuantileAndZerosHaveZero(t *testing.T) {
	_, ok := Distribution{}.Quantile(0.5)
	require.False(t, ok)
	v, ok := Distribution{Count: 7, Exponential: Exponential{Zero: 7, ZeroThreshold: 0.001}}.Quantile(0.5)
	require.True(t, ok)
	require.Zero(t, v)
}

func TestASumThatFellIsAResetUnlessNegativesWereObserved(t *testing.T) {
	with := func(sum float64, all ...observation) Distribution {
		d := record(all, finest, -4)
		d.Sum, d.HasSum = sum, true
		return d
	}
	before := with(5, observation{1, 0})
	_, ok := with(4, observation{1, 0}, observation{1, 0}).Since(before)
	require.False(t, ok)
	grown, ok := with(4, observation{1, 0}, observation{-1, 0}).Since(before)
	require.True(t, ok)
	require.Equal(t, -1.0, grown.Sum)
	for _, odd := range []float64{math.NaN(), math.Inf(1)} {
		grown, ok = with(odd, observation{1, 0}, observation{1, 0}).Since(before)
		require.True(t, ok)
		require.Equal(t, uint64(1), grown.Count)
		require.False(t, grown.HasSum)
	}
}
