package meter

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"pgregory.net/rapid"
)

func TestTotalsAndWhatWasAddedGiveTheSameRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		totals, added := New(few), New(few)
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

// process is a run of a program that records observations in an exponential histogram, all of the same value, and lowers
// its scale now and then.
type process struct {
	points []*metricsv1.ExponentialHistogramDataPoint
	counts []uint64 // of the points
}

const top = 20 // scale, of which the observations are in bucket 2^20 - 1

// processes run one after the other. Some of their points are gaps.
func processes(t *rapid.T) (all []process) {
	now := int64(100)
	for range rapid.IntRange(1, 3).Draw(t, "processes") {
		p, start, scale, count := process{}, now, top, uint64(0)
		for range rapid.IntRange(1, 6).Draw(t, "points") {
			now += int64(rapid.IntRange(1, 9).Draw(t, "seconds"))
			count += uint64(rapid.IntRange(0, 5).Draw(t, "added"))
			scale -= rapid.IntRange(0, 6).Draw(t, "scale lowered by")
			scale = max(scale, 0)
			point := exponentialPoint(start, now, int32(scale), int32((1<<top-1)>>(top-scale)), float64(count), 0, count)
			if rapid.IntRange(0, 4).Draw(t, "gap") == 0 {
				point = &metricsv1.ExponentialHistogramDataPoint{StartTimeUnixNano: point.StartTimeUnixNano, TimeUnixNano: point.TimeUnixNano, Flags: 1}
			} else {
				p.counts = append(p.counts, count)
			}
			p.points = append(p.points, point)
		}
		now++
		all = append(all, p)
	}
	return all
}

// deliver sends the points in requests of a few, in any order, some twice.
func deliver(t *rapid.T, m *Meter, points []*metricsv1.ExponentialHistogramDataPoint, wrap func(...*metricsv1.ExponentialHistogramDataPoint) *metricsv1.Metric) {
	again := slices.DeleteFunc(slices.Clone(points), func(*metricsv1.ExponentialHistogramDataPoint) bool { return rapid.Bool().Draw(t, "once") })
	for order := rapid.Permutation(slices.Concat(points, again)).Draw(t, "order"); len(order) > 0; {
		n := rapid.IntRange(1, len(order)).Draw(t, "in one request")
		readings, _, _ := m.Read(request(wrap(order[:n]...)), latest)
		for _, r := range readings {
			require.GreaterOrEqual(t, r.Value, 0.0)
		}
		order = order[n:]
	}
}

func TestWhatEachProcessAddedIsTheDifferenceOfItsTotalsHoweverItsPointsCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := processes(t)
		m := New(few)
		var points []*metricsv1.ExponentialHistogramDataPoint
		for _, p := range all {
			points = append(points, p.points...)
		}
		deliver(t, m, points, totals)
		s := only(t, m)
		for _, p := range all {
			if len(p.counts) == 0 {
				continue
			}
			added, sum, unknown := uint64(0), 0.0, uint64(0)
			for _, q := range s.Points {
				if q.Start != int64(p.points[0].StartTimeUnixNano) {
					continue
				}
				if added, sum = added+q.AddedCount, sum+q.AddedSum; q.First {
					unknown = q.Count
				}
			}
			require.Equal(t, p.counts[len(p.counts)-1]-unknown, added)
			require.Equal(t, float64(p.counts[len(p.counts)-1]-unknown), sum)
		}
		gaps := slices.DeleteFunc(points, func(p *metricsv1.ExponentialHistogramDataPoint) bool { return p.Flags == 0 })
		require.EqualValues(t, len(gaps), s.Figures.Gaps)
		before := len(s.Points)
		deliver(t, m, points, totals)
		require.Len(t, s.Points, before, "what is known changes nothing")
	})
}

func TestWhatWasAddedIsCountedOnceHoweverItComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []*metricsv1.ExponentialHistogramDataPoint
		want := uint64(0)
		for i := range rapid.IntRange(1, 12).Draw(t, "points") {
			n := uint64(rapid.IntRange(0, 9).Draw(t, "added"))
			want += n
			points = append(points, exponentialPoint(int64(100+i), int64(101+i), 3, 0, float64(n), n))
		}
		m := New(few)
		deliver(t, m, points, func(some ...*metricsv1.ExponentialHistogramDataPoint) *metricsv1.Metric {
			metric := totals(some...)
			metric.GetExponentialHistogram().AggregationTemporality = ofInterval
			return metric
		})
		s, got := only(t, m), uint64(0)
		for _, p := range s.Points {
			got += p.AddedCount
		}
		require.Equal(t, want, got)
		require.Equal(t, want, s.all.Count)
		require.EqualValues(t, len(points), s.Figures.Finite)
	})
}

func TestAStreamIsBoundedAndTakesEveryPointAtMostOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New(Limits{Streams: 1, Points: 3})
		taken := map[int64]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "points") {
			at := rapid.Int64Range(1, 30).Draw(t, "time")
			readings, noted, ignored := m.Read(request(sum(ofInterval, number(0, at, 1))), latest)
			require.Equal(t, 1, len(readings)+noted+ignored)
			if ignored == 0 {
				require.False(t, taken[at])
				taken[at] = true
			}
		}
		s := only(t, m)
		require.LessOrEqual(t, len(s.Points), 3)
		require.True(t, slices.IsSortedFunc(s.Points, byTime))
		require.EqualValues(t, len(taken), s.Figures.Finite)
	})
}
