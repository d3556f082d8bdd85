package meter

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// only gives the one stream of a meter.
func only(t require.TestingT, m *Meter) *Stream {
	streams := slices.Collect(m.All)
	require.Len(t, streams, 1)
	return streams[0]
}

func TestValuesThatAreNotFiniteAndGapsAreKeptAndInNoStatistic(t *testing.T) {
	g := &metricsv1.Gauge{}
	for i, v := range []float64{1, math.NaN(), math.Inf(1), math.Inf(-1), 2, 0} {
		g.DataPoints = append(g.DataPoints, number(0, int64(10+i), v))
	}
	g.DataPoints[5].Flags = 1
	m := New(few)
	readings, noted, ignored := m.Read(request(&metricsv1.Metric{Name: "lb.limit", Data: &metricsv1.Metric_Gauge{Gauge: g}}), latest)
	require.Len(t, readings, 2)
	require.Equal(t, 4, noted)
	require.Zero(t, ignored)
	s := only(t, m)
	require.Equal(t, Figures{Finite: 2, NonFinite: 3, Gaps: 1, Mean: 1.5}, s.Figures)
	require.True(t, math.IsNaN(s.Points[1].Number.Float()))
	require.True(t, s.Points[5].Gap)
}

func TestAMeanOfTheLargestNumbersIsFinite(t *testing.T) {
	m := New(few)
	for i, v := range []float64{math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64} {
		m.Read(request(&metricsv1.Metric{Name: "g", Data: &metricsv1.Metric_Gauge{
			Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{number(0, int64(10+i), v)}},
		}}), latest)
	}
	require.InEpsilon(t, math.MaxFloat64/3, only(t, m).Figures.Mean, 1e-9)
}

func TestATotalThatIsNotFiniteIsNoTotal(t *testing.T) {
	m := New(few)
	for i, v := range []float64{5, math.NaN(), 7} {
		m.Read(request(sum(ofTotals, number(1, int64(10+i), v))), latest)
	}
	s := only(t, m)
	require.EqualValues(t, 1, s.Figures.NonFinite)
	require.Equal(t, 2.0, s.Points[2].AddedSum, "since the last that was finite")
}

// totals is a cumulative exponential histogram.
func totals(points ...*metricsv1.ExponentialHistogramDataPoint) *metricsv1.Metric {
	return &metricsv1.Metric{Name: "rpc.duration", Unit: "ms", Data: &metricsv1.Metric_ExponentialHistogram{
		ExponentialHistogram: &metricsv1.ExponentialHistogram{AggregationTemporality: ofTotals, DataPoints: points},
	}}
}

func exponentialPoint(start, at int64, scale, offset int32, sum float64, zero uint64, buckets ...uint64) *metricsv1.ExponentialHistogramDataPoint {
	p := &metricsv1.ExponentialHistogramDataPoint{
		StartTimeUnixNano: uint64(start * second), TimeUnixNano: uint64(at * second), Scale: scale, Sum: &sum, ZeroCount: zero, Count: zero,
		Positive: &metricsv1.ExponentialHistogramDataPoint_Buckets{Offset: offset, BucketCounts: buckets},
	}
	for _, n := range buckets {
		p.Count += n
	}
	return p
}

func TestAnExponentialHistogramIsFollowedOverResetsAndScales(t *testing.T) {
	m := New(few)
	readings, noted, _ := m.Read(request(totals( // out of order within the request
		exponentialPoint(100, 120, 3, 0, 30, 2, 6, 7),
		exponentialPoint(100, 110, 3, 0, 20, 1, 4, 5),
		exponentialPoint(121, 130, 20, 1<<20-1, 3, 0, 2),
		exponentialPoint(121, 140, 10, 1023, 9, 0, 5),
		exponentialPoint(121, 150, 10, 1023, 9, 0, 5),
	)), latest)
	require.Equal(t, 1, noted)
	var counts []uint64
	var sums, rates []float64
	s := only(t, m)
	for _, p := range s.Points {
		counts, sums = append(counts, p.AddedCount), append(sums, p.AddedSum)
		require.Equal(t, p.At == 110*second, p.First)
		require.Equal(t, p.At == 130*second, p.Reset)
		require.Equal(t, !p.First, p.HasAdded && p.HasAddedSum)
	}
	require.Equal(t, []uint64{0, 5, 2, 3, 0}, counts)
	require.Equal(t, []float64{0, 10, 3, 6, 0}, sums)
	for _, r := range readings {
		if r.Name == "rpc.duration.rate" {
			rates = append(rates, r.Value)
		}
	}
	require.Equal(t, []float64{0.5, 2.0 / 9, 0.3, 0}, rates)
	require.EqualValues(t, 1, s.Figures.Resets)
	require.EqualValues(t, 20, s.all.Count)
	require.EqualValues(t, 2, s.all.Exponential.Zero)
}

func TestAHistogramWhoseSumIsNotFiniteStillCounts(t *testing.T) {
	m := New(few)
	m.Read(request(totals(exponentialPoint(1, 10, 0, 0, 1, 0, 2), exponentialPoint(1, 20, 0, 0, math.NaN(), 0, 5))), latest)
	s := only(t, m)
	require.True(t, s.Points[1].NonFinite)
	require.EqualValues(t, 3, s.Points[1].AddedCount)
	require.False(t, s.Points[1].HasAddedSum)
}

func TestMetricsThatDifferInMoreThanLabelsAreStreamsOfTheirOwn(t *testing.T) {
	m := New(few)
	total := func() *metricsv1.Metric { return sum(ofTotals, number(1, 10, 5)) }
	inMilliseconds := total()
	inMilliseconds.Unit = "ms"
	ofAnother := request(total())
	ofAnother.ResourceMetrics[0].ScopeMetrics[0].Scope = &commonv1.InstrumentationScope{Name: "another"}
	for _, req := range []*collectorv1.ExportMetricsServiceRequest{
		request(total()), request(sum(ofInterval, number(1, 10, 5))), request(inMilliseconds), ofAnother,
	} {
		_, _, ignored := m.Read(req, latest)
		require.Zero(t, ignored)
	}
	require.Len(t, slices.Collect(m.All), 4)
}
