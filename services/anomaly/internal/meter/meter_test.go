package meter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/triflow/triflow/services/anomaly/internal/detect"
)

const (
	second     = int64(1e9)
	latest     = 1_000_000 * second
	ofTotals   = metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	ofInterval = metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
)

// few is enough for most tests.
var few = Limits{Streams: 10, Points: 60}

func attribute(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

func request(metrics ...*metricsv1.Metric) *collectorv1.ExportMetricsServiceRequest {
	return &collectorv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{
		Resource:     &resourcev1.Resource{Attributes: []*commonv1.KeyValue{attribute("service.name", "pay")}},
		ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: metrics}},
	}}}
}

func number(start, at int64, value float64) *metricsv1.NumberDataPoint {
	return &metricsv1.NumberDataPoint{
		StartTimeUnixNano: uint64(start * second), TimeUnixNano: uint64(at * second),
		Value: &metricsv1.NumberDataPoint_AsDouble{AsDouble: value},
	}
}

func sum(temporality metricsv1.AggregationTemporality, p *metricsv1.NumberDataPoint) *metricsv1.Metric {
	return &metricsv1.Metric{Name: "orders", Data: &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{
		IsMonotonic: true, AggregationTemporality: temporality, DataPoints: []*metricsv1.NumberDataPoint{p},
	}}}
}

func TestASumIsItsRateAlsoOverAReset(t *testing.T) {
	type step struct {
		start, at int64
		value     float64
		rates     []float64
		ignored   int
	}
	for name, c := range map[string]struct {
		temporality metricsv1.AggregationTemporality
		steps       []step
	}{
		"totals": {ofTotals, []step{
			{100, 110, 50, nil, 0},
			{100, 120, 70, []float64{2}, 0},
			{100, 120, 70, nil, 1}, // sent again
			{100, 115, 60, nil, 1}, // late
			{100, 140, 70, []float64{0}, 0},
		}},
		"a later start": {ofTotals, []step{
			{100, 110, 50, nil, 0},
			{110, 120, 60, []float64{6}, 0}, // all that it counted since it started
			{110, 130, 90, []float64{3}, 0},
		}},
		"a fall without a start": {ofTotals, []step{
			{0, 110, 50, nil, 0},
			{0, 120, 20, []float64{2}, 0}, // all that it counted since it began again, at the latest now
			{0, 130, 30, []float64{1}, 0},
		}},
		"what was added": {ofInterval, []step{
			{100, 110, 50, []float64{5}, 0},
			{110, 120, 20, []float64{2}, 0},
			{110, 120, 20, nil, 1},
			{0, 130, 10, []float64{1}, 0}, // no start: since the last one
		}},
		"beyond the latest time": {ofTotals, []step{{0, latest/second + 1, 1, nil, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(few)
			for _, s := range c.steps {
				readings, _, ignored := m.Read(request(sum(c.temporality, number(s.start, s.at, s.value))), latest)
				var rates []float64
				for _, r := range readings {
					rates = append(rates, r.Value)
					require.Equal(t, map[string]string{"service": "pay"}, r.Labels)
					require.Equal(t, detect.Shown, r.Kind)
				}
				require.Equal(t, s.rates, rates)
				require.Equal(t, s.ignored, ignored)
			}
		})
	}
}

func TestAHistogramOfDurationsIsRateMeanAndP90InSeconds(t *testing.T) {
	m := New(few)
	histogram := func(at int64, sum float64, buckets ...uint64) *metricsv1.Metric {
		count := uint64(0)
		for _, n := range buckets {
			count += n
		}
		return &metricsv1.Metric{Name: "http.server.request.duration", Unit: "ms", Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{
			AggregationTemporality: ofTotals, DataPoints: []*metricsv1.HistogramDataPoint{{
				TimeUnixNano: uint64(at * second), Count: count, Sum: &sum, ExplicitBounds: []float64{10, 20}, BucketCounts: buckets,
			}},
		}}}
	}
	readings, _, _ := m.Read(request(histogram(10, 1000, 5, 5, 5)), latest)
	require.Empty(t, readings)
	readings, _, _ = m.Read(request(histogram(20, 2000, 13, 17, 5)), latest)
	got := map[string]float64{}
	for _, r := range readings {
		got[r.Name] = r.Value
		require.EqualValues(t, 20, r.Weight)
	}
	require.InDeltaMapValues(t, map[string]float64{
		"http.server.request.duration.rate": 2,
		"http.server.request.duration.mean": 0.050,
		"http.server.request.duration.p90":  0.010 + 0.010*(18.0-8)/12,
	}, got, 1e-9)
}

func TestOnlyTheNamesOfWhatCanBeBadAreJudged(t *testing.T) {
	for name, want := range map[string]detect.Kind{
		"process.cpu.utilization": detect.Utilization,
		"messaging.queue.depth":   detect.Backlog,
		"kafka_consumer_lag":      detect.Backlog,
		"process.memory.usage":    detect.Shown,
		"temperature":             detect.Shown,
	} {
		m := New(Limits{Streams: 1, Points: 10})
		readings, _, _ := m.Read(request(&metricsv1.Metric{Name: name, Data: &metricsv1.Metric_Gauge{
			Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{number(0, 10, 1)}},
		}}), latest)
		require.Len(t, readings, 1)
		require.Equal(t, want, readings[0].Kind, name)
	}
}

func TestPointsBeyondTheBoundsAreIgnoredNotCut(t *testing.T) {
	many := make([]*commonv1.KeyValue, MaxLabels)
	for i := range many {
		many[i] = attribute(strings.Repeat("k", i+1), "")
	}
	array := &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{}}}
	for name, change := range map[string]func(*metricsv1.Metric, *metricsv1.NumberDataPoint){
		"no name":         func(m *metricsv1.Metric, _ *metricsv1.NumberDataPoint) { m.Name = "" },
		"long name":       func(m *metricsv1.Metric, _ *metricsv1.NumberDataPoint) { m.Name = strings.Repeat("x", MaxName) },
		"name of Triflow": func(m *metricsv1.Metric, _ *metricsv1.NumberDataPoint) { m.Name = "edge.fanout" },
		"no time":         func(_ *metricsv1.Metric, p *metricsv1.NumberDataPoint) { p.TimeUnixNano = 0 },
		"no value":        func(_ *metricsv1.Metric, p *metricsv1.NumberDataPoint) { p.Value = nil },
		"many labels":     func(_ *metricsv1.Metric, p *metricsv1.NumberDataPoint) { p.Attributes = many },
		"long key": func(_ *metricsv1.Metric, p *metricsv1.NumberDataPoint) {
			p.Attributes = []*commonv1.KeyValue{attribute(strings.Repeat("k", MaxKey+1), "")}
		},
		"long value": func(_ *metricsv1.Metric, p *metricsv1.NumberDataPoint) {
			p.Attributes = []*commonv1.KeyValue{attribute("k", strings.Repeat("v", MaxValue+1))}
		},
		"an array": func(_ *metricsv1.Metric, p *metricsv1.NumberDataPoint) {
			p.Attributes = []*commonv1.KeyValue{{Key: "k", Value: array}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := number(100, 110, 1)
			metric := sum(ofInterval, p)
			change(metric, p)
			readings, noted, ignored := New(Limits{Streams: 1, Points: 10}).Read(request(metric), latest)
			require.Empty(t, readings)
			require.Zero(t, noted)
			require.Equal(t, 1, ignored)
		})
	}
}

func TestStreamsAreBoundedAndForgotten(t *testing.T) {
	m := New(Limits{Streams: 1, Points: 10})
	one, two := number(100, 110, 1), number(100, 110, 1)
	two.Attributes = []*commonv1.KeyValue{attribute("k", "v")}
	readings, _, ignored := m.Read(request(sum(ofInterval, one), sum(ofInterval, two)), latest)
	require.Len(t, readings, 1)
	require.Equal(t, 1, ignored)
	m.Forget(111 * second)
	readings, _, _ = m.Read(request(sum(ofInterval, two)), latest)
	require.Equal(t, map[string]string{"service": "pay", "k": "v"}, readings[0].Labels)
}

func TestInstancesOfAServiceAreApart(t *testing.T) {
	m := New(few)
	for i, total := range []float64{1000, 5} {
		req := request(sum(ofTotals, number(100, 110, total)))
		resource := req.GetResourceMetrics()[0].GetResource()
		resource.Attributes = append(resource.Attributes, attribute("service.instance.id", strings.Repeat("i", i+1)))
		_, noted, _ := m.Read(req, latest)
		require.Equal(t, 1, noted)
	}
	require.Len(t, m.streams, 2)
}

func TestASummaryAndAnExponentialHistogramAreRateAndMean(t *testing.T) {
	total := 30.0
	exponential := &metricsv1.Metric{Name: "e", Data: &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{
		AggregationTemporality: ofInterval, DataPoints: []*metricsv1.ExponentialHistogramDataPoint{
			{StartTimeUnixNano: uint64(100 * second), TimeUnixNano: uint64(110 * second), Count: 10, Sum: &total},
		},
	}}}
	summary := func(at int64, count uint64, sum float64) *metricsv1.Metric {
		return &metricsv1.Metric{Name: "s", Data: &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{
			DataPoints: []*metricsv1.SummaryDataPoint{{TimeUnixNano: uint64(at * second), Count: count, Sum: sum}},
		}}}
	}
	m := New(few)
	got := map[string]float64{}
	for _, metric := range []*metricsv1.Metric{exponential, summary(100, 5, 5), summary(110, 25, 45)} {
		readings, _, _ := m.Read(request(metric), latest)
		for _, r := range readings {
			got[r.Name] = r.Value
		}
	}
	require.Equal(t, map[string]float64{"e.rate": 1, "e.mean": 3, "s.rate": 2, "s.mean": 2}, got)
}
