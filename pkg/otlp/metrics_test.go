package otlp_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

func metricsOf(metrics ...*metricsv1.Metric) *collectormetricsv1.ExportMetricsServiceRequest {
	return &collectormetricsv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{
		Resource:     &resourcev1.Resource{Attributes: []*commonv1.KeyValue{text("service.name", "api")}},
		ScopeMetrics: []*metricsv1.ScopeMetrics{{Scope: &commonv1.InstrumentationScope{Name: "http"}, Metrics: metrics}},
	}}}
}

// everyKind gives a metric of each kind, with a point that has all that it may have.
func everyKind() []*metricsv1.Metric {
	attributes := []*commonv1.KeyValue{text("http.route", "/cart"), integer("shard", 3)}
	exemplars := []*metricsv1.Exemplar{
		{TimeUnixNano: 5, Value: &metricsv1.Exemplar_AsInt{AsInt: -4}, TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), FilteredAttributes: attributes},
		{Value: &metricsv1.Exemplar_AsDouble{AsDouble: 0.5}, TraceId: []byte("short")},
	}
	const delta, cumulative = metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA, metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	buckets := func(offset int32, counts ...uint64) *metricsv1.ExponentialHistogramDataPoint_Buckets {
		return &metricsv1.ExponentialHistogramDataPoint_Buckets{Offset: offset, BucketCounts: counts}
	}
	return []*metricsv1.Metric{
		{Name: "queue", Unit: "1", Description: "waiting", Metadata: attributes, Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{
			{TimeUnixNano: 9, Value: &metricsv1.NumberDataPoint_AsDouble{AsDouble: 2.5}, Attributes: attributes, Exemplars: exemplars}, {TimeUnixNano: 9, Flags: 1},
		}}}},
		{Name: "sent", Data: &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{AggregationTemporality: delta, IsMonotonic: true, DataPoints: []*metricsv1.NumberDataPoint{
			{StartTimeUnixNano: 1, TimeUnixNano: 9, Value: &metricsv1.NumberDataPoint_AsInt{AsInt: -7}, Attributes: attributes},
		}}}},
		{Name: "wait", Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{AggregationTemporality: cumulative, DataPoints: []*metricsv1.HistogramDataPoint{
			{
				StartTimeUnixNano: 1, TimeUnixNano: 9, Count: 6, Sum: proto.Float64(3), Min: proto.Float64(0.1), Max: proto.Float64(2),
				BucketCounts: []uint64{1, 2, 3}, ExplicitBounds: []float64{0.5, 1}, Attributes: attributes, Exemplars: exemplars,
			},
		}}}},
		{Name: "size", Data: &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{AggregationTemporality: delta, DataPoints: []*metricsv1.ExponentialHistogramDataPoint{
			{
				StartTimeUnixNano: 1, TimeUnixNano: 9, Count: 307, Sum: proto.Float64(-1), Scale: -2, ZeroCount: 1, ZeroThreshold: 0.25, Max: proto.Float64(8),
				Positive: buckets(-3, 300, 0, 4), Negative: buckets(2, 2), Attributes: attributes, Exemplars: exemplars,
			},
		}}}},
		{Name: "old", Data: &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{DataPoints: []*metricsv1.SummaryDataPoint{
			{StartTimeUnixNano: 1, TimeUnixNano: 9, Count: 4, Sum: 10, Attributes: attributes, QuantileValues: []*metricsv1.SummaryDataPoint_ValueAtQuantile{{Quantile: 0.5, Value: 2}, {Quantile: 1, Value: 4}}},
		}}}},
		{Name: "bare"},
	}
}

func TestAViewOfMetricsShowsWhatPointsOfEveryKindSay(t *testing.T) {
	m := metricsOf(everyKind()...)
	b := encode(t, m)
	var v otlp.Metrics
	require.NoError(t, v.Scan(b, otlp.LevelAll))
	require.Len(t, v.Metrics, 6)
	require.Len(t, v.Points, 6)
	requireSamePoints(t, m, b)

	queue, sent, wait, size := &v.Metrics[0], &v.Metrics[1], &v.Metrics[2], &v.Metrics[3]
	require.Equal(t, []string{"queue", "1", "waiting", "api", "http"}, []string{
		v.Text(queue.Name), v.Text(queue.Unit), v.Text(queue.Description), v.Service(queue.Resource), v.ScopeName(queue.Scope),
	})
	points := v.PointsOf(queue)
	value, _ := points[0].Value.Float()
	require.Equal(t, 2.5, value)
	require.Equal(t, []bool{false, true}, []bool{points[0].Unrecorded(), points[1].Unrecorded()})
	route, _ := v.PointAttr(&points[0], "http.route")
	require.Equal(t, "/cart", route.Text())

	require.Equal(t, []uint8{otlp.TemporalityDelta, otlp.TemporalityCumulative}, []uint8{sent.Temporality, wait.Temporality})
	require.True(t, sent.Monotonic)
	require.Equal(t, []uint64{1, 2, 3}, slices.Collect(v.BucketCounts(&v.PointsOf(wait)[0])))
	require.Empty(t, slices.Collect(v.BucketCounts(&points[0])))
	require.Empty(t, slices.Collect(v.Bounds(&points[0])))
	require.Equal(t, otlp.Exponential{}, v.Exponential(&points[0]))
	e := v.Exponential(&v.PointsOf(size)[0])
	require.Equal(t, []int32{-2, -3, 2}, []int32{e.Scale, e.Positive.Offset, e.Negative.Offset})
	require.Equal(t, otlp.MetricNone, v.Metrics[5].Kind)
	require.Empty(t, v.PointsOf(&v.Metrics[5]))
}

func TestAMetricWithDataOfTwoKindsIsRefused(t *testing.T) {
	body := wrap([]byte("\x0a\x01m\x2a\x02\x0a\x00\x3a\x02\x0a\x00"), 2, 2, 1)
	const want = "resource_metrics[0].scope_metrics[0].metrics[0].sum: a second kind of data, want one at byte 13"
	require.EqualError(t, new(otlp.Request).Scan(otlp.SignalMetrics, body, nil), want)
	require.EqualError(t, new(otlp.Metrics).Scan(body, otlp.LevelFraming), want)
	_, err := otlp.Split(otlp.SignalMetrics, body, otlp.Bounds{})
	require.EqualError(t, err, want)
	_, err = otlp.Join(otlp.SignalMetrics, nil, body)
	require.EqualError(t, err, "request 1: "+want)
}

func TestTheListsOfAHistogramMayComeUnpacked(t *testing.T) {
	fixed := func(num byte, low byte) []byte { return []byte{num<<3 | 1, low, 0, 0, 0, 0, 0, 0, 0} }
	point := slices.Concat(fixed(6, 4), []byte("\x32\x08\x05\x00\x00\x00\x00\x00\x00\x00"), fixed(7, 0), fixed(4, 9))
	exponential := []byte("\x42\x02\x10\x02\x42\x04\x12\x02\x03\x04\x42\x02\x08\x03\x21\x09\x00\x00\x00\x00\x00\x00\x00")
	var v otlp.Metrics
	require.NoError(t, v.Scan(wrap(slices.Concat(wrap(wrap(point, 1, 9), 2), wrap(wrap(exponential, 1, 10), 2)), 2, 1), otlp.LevelAll))
	require.Equal(t, []otlp.Fault{0, 0}, []otlp.Fault{v.Points[0].Fault, v.Points[1].Fault})
	require.Equal(t, []uint64{4, 5}, slices.Collect(v.BucketCounts(&v.Points[0])))
	require.Equal(t, []float64{0}, slices.Collect(v.Bounds(&v.Points[0])))
	sides := v.Exponential(&v.Points[1])
	require.Equal(t, []uint64{2, 3, 4}, slices.Collect(sides.Positive.Counts()))
	require.Equal(t, int32(-2), sides.Positive.Offset)
	for n := range sides.Positive.Counts() {
		require.Equal(t, uint64(2), n)
		break
	}
}
