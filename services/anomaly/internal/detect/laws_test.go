package detect

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func values() *rapid.Generator[[]float64] {
	return rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.SampledFrom([]float64{0, 1, 1, 2})), 1, 60)
}

func TestMedianAndDeviationEqualTheirDefinitionsOverTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := values().Draw(t, "values")
		window := rapid.IntRange(1, 20).Draw(t, "window")
		b := baseline{window: window}
		for _, y := range all {
			b.add(sample{y: y, events: y, trials: 1}, 0.1)
		}
		last := slices.Clone(all[max(0, len(all)-window):])
		slices.Sort(last)
		m := middle(last)
		distances := make([]float64, len(last))
		sum := 0.0
		for i, y := range last {
			distances[i] = math.Abs(y - m)
			sum += y
		}
		slices.Sort(distances)
		require.Equal(t, m, b.median())
		require.InDelta(t, 1.4826*middle(distances), b.deviation(), 1e-6)
		require.InDelta(t, sum, b.events, 1e-3)
		require.InDelta(t, len(last), b.trials, 1e-9)
	})
}

func TestEWMAEqualsTheWeightedSumItStandsFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := values().Draw(t, "values")
		alpha := rapid.Float64Range(0.01, 0.9).Draw(t, "alpha")
		var e ewma
		weights := make([]float64, 0, len(all))
		for k, y := range all {
			e.add(y, alpha)
			w := math.Max(alpha, 1/float64(k+1))
			for i := range weights {
				weights[i] *= 1 - w
			}
			weights = append(weights, w)
		}
		mean, variance, total := 0.0, 0.0, 0.0
		for i, w := range weights {
			mean += w * all[i]
			total += w
		}
		for i, w := range weights {
			variance += w * (all[i] - mean) * (all[i] - mean)
		}
		require.InDelta(t, 1, total, 1e-9)
		require.InDelta(t, mean, e.mean, 1e-6*(1+math.Abs(mean)))
		require.InDelta(t, variance, e.variance, 1e-6*(1+variance))
	})
}

func TestCountingScoreFollowsTheBinomialTail(t *testing.T) {
	for _, c := range []struct {
		events, trials, p, within float64
	}{
		{5, 10, 0.01, 0.16},
		{10, 20, 0.005, 0.16},
		{3, 20, 0.05, 0.16},
		{40, 100, 0.2, 0.16},
		{2, 30, 0.01, 0.16},
		{1, 30, 0.01, 0.3}, // where a tail of a quarter is nothing to act on, it is rougher
	} {
		tail := 0.0
		for k := c.events; k <= c.trials; k++ {
			tail += math.Exp(choose(c.trials, k) + k*math.Log(c.p) + (c.trials-k)*math.Log1p(-c.p))
		}
		const large = 1e9 // a baseline that leaves no doubt about p
		z := countScore(Ratio, c.events, c.trials, large*c.p, large)
		require.InEpsilon(t, math.Log(tail), math.Log(math.Erfc(z/math.Sqrt2)/2), c.within, "%v", c)
	}
}

func TestCountingScoreFollowsThePoissonTail(t *testing.T) {
	for _, c := range []struct{ events, mean float64 }{{6, 0.5}, {10, 2}, {40, 20}, {3, 0.1}} {
		below := 0.0
		for k := 0.0; k < c.events; k++ {
			lg, _ := math.Lgamma(k + 1)
			below += math.Exp(k*math.Log(c.mean) - c.mean - lg)
		}
		const large = 1e9
		z := countScore(Rate, c.events, 5, large*c.mean/5, large)
		require.InEpsilon(t, math.Log(1-below), math.Log(math.Erfc(z/math.Sqrt2)/2), 0.16, "%v", c)
	}
}

func TestAShortBaselineWeakensTheCountingScore(t *testing.T) {
	require.Less(t, countScore(Ratio, 10, 20, 0, 100), countScore(Ratio, 10, 20, 0, 10000))
}

func TestNormalOfKnownStudentQuantiles(t *testing.T) {
	// Both tails of 0.001 are at 12.924, 5.408, 4.140 and 3.460 for 3, 7, 14 and 60 degrees, and at 3.2905 for the normal.
	for degrees, quantile := range map[float64]float64{3: 12.924, 7: 5.408, 14: 4.140, 60: 3.460} {
		require.InEpsilon(t, 3.2905, normalOf(quantile, degrees), 0.025)
	}
}

func TestConfidenceRisesWithStrengthAndWithTheBaseline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.Float64Range(0, 60).Draw(t, "strength")
		n := rapid.IntRange(2, 500).Draw(t, "baseline")
		c := confidence(z, n, perDay)
		require.Greater(t, c, 0.0)
		require.LessOrEqual(t, c, 1.0)
		require.GreaterOrEqual(t, confidence(z+1, n, perDay), c)
		require.GreaterOrEqual(t, confidence(z, n+1, perDay), c)
	})
}

func TestTheScaleOfDurationsDoesNotDependOnTheirLevel(t *testing.T) {
	score := func(level float64) float64 {
		s := New(Duration, settings())
		var last Anomaly
		for i := range 30 {
			v := level * (1 + 0.05*float64(i%3))
			if i >= 25 {
				v *= 8
			}
			if _, change, a := s.Add(Point{At: int64(i+1) * 5e9, Value: v, Weight: 100}); change != None {
				last = a
			}
		}
		return last.Score
	}
	require.InEpsilon(t, score(0.5), score(50), 0.01)
}

func choose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}
