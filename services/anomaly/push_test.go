package anomaly

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/handoff"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func gauge(name string, at time.Time, value float64) *metricsv1.Metric {
	return &metricsv1.Metric{Name: name, Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{
		{TimeUnixNano: uint64(at.UnixNano()), Value: &metricsv1.NumberDataPoint_AsDouble{AsDouble: value}},
	}}}}
}

func counter(name string, at time.Time, value int64) *metricsv1.Metric {
	return &metricsv1.Metric{Name: name, Data: &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{
		IsMonotonic: true, AggregationTemporality: metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
		DataPoints: []*metricsv1.NumberDataPoint{
			{TimeUnixNano: uint64(at.UnixNano()), Value: &metricsv1.NumberDataPoint_AsInt{AsInt: value}},
		},
	}}}
}

// metricsBatch is a batch of metrics of the service pay.
func metricsBatch(t *testing.T, position uint64, metrics ...*metricsv1.Metric) handoff.Batch {
	name := &commonv1.KeyValue{Key: "service.name", Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: "pay"}}}
	payload, err := proto.Marshal(&collectorv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{
		Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{name}}, ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: metrics}},
	}}})
	require.NoError(t, err)
	return handoff.Batch{Sender: "a", Position: position, Items: len(metrics), Signal: handoffv1.Signal_SIGNAL_METRICS, Payload: payload, Done: func() {}}
}

// push sends a batch twice, as after a lost acknowledgement, and expects each to be done once.
func (r *rig) push(position uint64, metrics ...*metricsv1.Metric) {
	for range 2 {
		b, done := metricsBatch(r.t, position, metrics...), 0
		b.ReceiveTime = r.deps.Now()
		b.Done = func() { done++ }
		require.NoError(r.t, r.s.Push(r.t.Context(), b))
		require.Equal(r.t, 1, done)
	}
}

func (r *rig) values(name string) []float64 {
	out, err := r.QuerySeries(r.t.Context(), &anomalyv1.QuerySeriesRequest{Name: name, Service: "pay"})
	require.NoError(r.t, err)
	if len(out.GetSeries()) == 0 {
		return nil
	}
	require.Len(r.t, out.GetSeries(), 1)
	return out.GetSeries()[0].GetValues()
}

func TestABusyProcessIsAnAnomalyAndACounterThatStopsIsNot(t *testing.T) {
	r := newRig(t, nil)
	total := int64(0)
	for i := range 40 {
		r.clock.Add(int64(10 * time.Second))
		busy, rate := 0.2, int64(500)
		if i >= 30 {
			busy, rate = 0.9, 0
		}
		total += rate
		r.push(uint64(i+1), gauge("process.cpu.utilization", r.deps.Now(), busy), counter("orders", r.deps.Now(), total))
		if i == 15 {
			r.restart(time.Second) // counters and baselines are known afterwards
		}
	}
	got := r.list(&anomalyv1.ListAnomaliesRequest{}).GetAnomalies()
	require.Len(t, got, 1)
	require.Equal(t, "process.cpu.utilization", got[0].GetSeries().GetName())
	require.Equal(t, "pay", got[0].GetService())
	require.Len(t, r.values("process.cpu.utilization"), 40)
	rates := r.values("orders")
	require.Len(t, rates, 39)
	require.Equal(t, 50.0, rates[0])
	require.Zero(t, rates[38])
}

func TestASeriesWithRarePointsIsNotSilentBetweenThem(t *testing.T) {
	r := newRig(t, nil)
	for i := range 30 {
		r.clock.Add(int64(70 * time.Second))
		busy := 0.2
		if i >= 20 {
			busy = 0.9
		}
		r.push(uint64(i+1), gauge("process.cpu.utilization", r.deps.Now(), busy))
		require.NoError(t, r.s.sweep(t.Context(), r.deps.Now().Add(69*time.Second)))
	}
	got := r.list(&anomalyv1.ListAnomaliesRequest{}).GetAnomalies()
	require.Len(t, got, 1)
	require.Nil(t, got[0].GetEndTime())
}

func TestMetricsCannotPassForTriflowsOwnSeries(t *testing.T) {
	r := newRig(t, nil)
	r.push(1, gauge("service.error.ratio", begin, 1), gauge("edge.fanout", begin, 1), gauge("log.template.rate", begin, 1))
	require.Empty(t, r.s.series)
}

func TestABatchThatIsNoMetricsRequestIsDoneAndDropped(t *testing.T) {
	r := newRig(t, nil)
	b, done := metricsBatch(t, 1), 0
	b.Payload, b.Done = []byte("\xff\xff"), func() { done++ }
	require.NoError(t, r.s.Push(t.Context(), b))
	require.Equal(t, 1, done)
}

func TestABatchOfAnotherSignalIsRefusedForGood(t *testing.T) {
	r := newRig(t, nil)
	b := metricsBatch(t, 1)
	b.Signal, b.Done = handoffv1.Signal_SIGNAL_LOGS, func() { t.Error("done though it was refused") }
	require.True(t, handoff.IsFinal(r.s.Push(t.Context(), b)))
}
