package otlp_test

import (
	"iter"
	"math"
	"slices"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/triflow/triflow/pkg/otlp"
)

// point is what the data points of all kinds have in the published protocol.
type point interface {
	GetStartTimeUnixNano() uint64
	GetTimeUnixNano() uint64
	GetFlags() uint32
	GetAttributes() []*commonv1.KeyValue
}

// requireSameData holds what a view shows of a metric against what protobuf decoded.
func requireSameData(t require.TestingT, want *metricsv1.Metric, v *otlp.Metrics, got *otlp.Metric) {
	temporality, monotonic := metricsv1.AggregationTemporality(0), false
	kind, n := otlp.MetricNone, 0
	switch data := want.GetData().(type) {
	case *metricsv1.Metric_Gauge:
		kind, n = otlp.MetricGauge, len(data.Gauge.GetDataPoints())
		requireSameNumbers(t, data.Gauge.GetDataPoints(), v, got)
	case *metricsv1.Metric_Sum:
		kind, n = otlp.MetricSum, len(data.Sum.GetDataPoints())
		temporality, monotonic = data.Sum.GetAggregationTemporality(), data.Sum.GetIsMonotonic()
		requireSameNumbers(t, data.Sum.GetDataPoints(), v, got)
	case *metricsv1.Metric_Histogram:
		kind, n, temporality = otlp.MetricHistogram, len(data.Histogram.GetDataPoints()), data.Histogram.GetAggregationTemporality()
		for i, p := range data.Histogram.GetDataPoints() {
			requireSameHistogram(t, p, v, &v.PointsOf(got)[i])
		}
	case *metricsv1.Metric_ExponentialHistogram:
		kind, n, temporality = otlp.MetricExponential, len(data.ExponentialHistogram.GetDataPoints()), data.ExponentialHistogram.GetAggregationTemporality()
		for i, p := range data.ExponentialHistogram.GetDataPoints() {
			requireSameExponential(t, p, v, &v.PointsOf(got)[i])
		}
	case *metricsv1.Metric_Summary:
		kind, n = otlp.MetricSummary, len(data.Summary.GetDataPoints())
		for i, p := range data.Summary.GetDataPoints() {
			requireSameSummary(t, p, v, &v.PointsOf(got)[i])
		}
	}
	require.Equal(t, kind, got.Kind)
	require.Equal(t, int32(n), got.Points)
	require.Equal(t, monotonic, got.Monotonic)
	if uint32(temporality) <= 255 {
		require.Equal(t, uint32(temporality), uint32(got.Temporality))
	}
	metadata := 0
	for key := range v.Metadata(got) {
		require.Equal(t, want.GetMetadata()[metadata].GetKey(), string(key))
		metadata++
	}
	require.Len(t, want.GetMetadata(), metadata)
}

func requireSamePoint(t require.TestingT, want point, v *otlp.Metrics, got *otlp.Point) {
	require.Zero(t, got.Fault)
	require.Equal(t, []uint64{want.GetStartTimeUnixNano(), want.GetTimeUnixNano()}, []uint64{got.Start, got.Time})
	require.Equal(t, []uint32{want.GetFlags(), uint32(len(want.GetAttributes()))}, []uint32{got.Flags, got.Attrs})
	i := 0
	for key := range v.PointAttrs(got) {
		require.Equal(t, want.GetAttributes()[i].GetKey(), string(key))
		i++
	}
	require.Len(t, want.GetAttributes(), i)
}

func requireSameNumbers(t require.TestingT, want []*metricsv1.NumberDataPoint, v *otlp.Metrics, of *otlp.Metric) {
	for i, p := range want {
		got := &v.PointsOf(of)[i]
		requireSamePoint(t, p, v, got)
		f, isNumber := got.Value.Float()
		n, isInt := got.Value.Int()
		switch x := p.GetValue().(type) {
		case *metricsv1.NumberDataPoint_AsInt:
			require.Equal(t, []bool{true, true}, []bool{isNumber, isInt})
			require.Equal(t, x.AsInt, n)
		case *metricsv1.NumberDataPoint_AsDouble:
			require.Equal(t, []bool{true, false}, []bool{isNumber, isInt})
			requireSameFloat(t, x.AsDouble, f)
		default:
			require.False(t, isNumber)
		}
		requireSameExemplars(t, p.GetExemplars(), v, got)
	}
}

func requireSameHistogram(t require.TestingT, want *metricsv1.HistogramDataPoint, v *otlp.Metrics, got *otlp.Point) {
	requireSamePoint(t, want, v, got)
	require.Equal(t, want.GetCount(), got.Count)
	low, high := v.Extremes(got)
	requireSameOptional(t, want.Sum, got.Sum)
	requireSameOptional(t, want.Min, low)
	requireSameOptional(t, want.Max, high)
	requireSameList(t, want.GetBucketCounts(), v.BucketCounts(got))
	bounds := slices.Collect(v.Bounds(got))
	require.Len(t, bounds, len(want.GetExplicitBounds()))
	for i := range bounds {
		requireSameFloat(t, want.GetExplicitBounds()[i], bounds[i])
	}
	requireSameExemplars(t, want.GetExemplars(), v, got)
}

func requireSameExponential(t require.TestingT, want *metricsv1.ExponentialHistogramDataPoint, v *otlp.Metrics, got *otlp.Point) {
	requireSamePoint(t, want, v, got)
	require.Equal(t, want.GetCount(), got.Count)
	low, high := v.Extremes(got)
	requireSameOptional(t, want.Sum, got.Sum)
	requireSameOptional(t, want.Min, low)
	requireSameOptional(t, want.Max, high)
	e := v.Exponential(got)
	require.Equal(t, []int32{want.GetScale(), want.GetPositive().GetOffset(), want.GetNegative().GetOffset()}, []int32{e.Scale, e.Positive.Offset, e.Negative.Offset})
	require.Equal(t, want.GetZeroCount(), e.ZeroCount)
	requireSameFloat(t, want.GetZeroThreshold(), e.ZeroThreshold)
	requireSameList(t, want.GetPositive().GetBucketCounts(), e.Positive.Counts())
	requireSameList(t, want.GetNegative().GetBucketCounts(), e.Negative.Counts())
	requireSameExemplars(t, want.GetExemplars(), v, got)
}

func requireSameSummary(t require.TestingT, want *metricsv1.SummaryDataPoint, v *otlp.Metrics, got *otlp.Point) {
	requireSamePoint(t, want, v, got)
	require.Equal(t, want.GetCount(), got.Count)
	sum, _ := got.Sum.Float()
	requireSameFloat(t, want.GetSum(), sum)
	i := 0
	for quantile, value := range v.Quantiles(got) {
		requireSameFloat(t, want.GetQuantileValues()[i].GetQuantile(), quantile)
		requireSameFloat(t, want.GetQuantileValues()[i].GetValue(), value)
		i++
	}
	require.Len(t, want.GetQuantileValues(), i)
}

func requireSameExemplars(t require.TestingT, want []*metricsv1.Exemplar, v *otlp.Metrics, of *otlp.Point) {
	require.Equal(t, uint32(len(want)), of.Exemplars)
	i := 0
	for got := range v.Exemplars(of) {
		e := want[i]
		i++
		require.Equal(t, e.GetTimeUnixNano(), got.Time)
		require.Equal(t, asID(e.GetTraceId(), 16), got.Trace[:])
		require.Equal(t, asID(e.GetSpanId(), 8), got.Span[:])
		f, _ := got.Value.Float()
		n, _ := got.Value.Int()
		switch x := e.GetValue().(type) {
		case *metricsv1.Exemplar_AsInt:
			require.Equal(t, x.AsInt, n)
		case *metricsv1.Exemplar_AsDouble:
			requireSameFloat(t, x.AsDouble, f)
		default:
			require.Equal(t, otlp.Number{}, got.Value)
		}
		keys := 0
		for key := range v.ExemplarAttrs(&got) {
			require.Equal(t, e.GetFilteredAttributes()[keys].GetKey(), string(key))
			keys++
		}
		require.Len(t, e.GetFilteredAttributes(), keys)
	}
	require.Len(t, want, i)
}

func requireSameOptional(t require.TestingT, want *float64, got otlp.Number) {
	f, ok := got.Float()
	require.Equal(t, want != nil, ok)
	if ok {
		requireSameFloat(t, *want, f)
	}
}

// requireSameFloat compares bits, as NaN is not equal to itself.
func requireSameFloat(t require.TestingT, want, got float64) {
	require.Equal(t, math.Float64bits(want), math.Float64bits(got))
}

func requireSameList(t require.TestingT, want []uint64, got iter.Seq[uint64]) {
	require.True(t, slices.Equal(want, slices.Collect(got)))
}
