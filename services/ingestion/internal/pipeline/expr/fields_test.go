package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// hold evaluates conditions, which must hold, on the first item of a request.
func hold(t *testing.T, s otlp.Signal, m proto.Message, conditions ...string) {
	payload, err := proto.Marshal(m)
	require.NoError(t, err)
	var b record.Batch
	require.NoError(t, b.Parse(s, payload))
	var r expr.Record
	r.Bind(&b, b.Items[0], "acme")
	env, err := expr.NewEnv()
	require.NoError(t, err)
	for _, text := range conditions {
		p, err := env.Condition(s, expr.Items, text)
		require.NoError(t, err, text)
		holds, _, err := p.Holds(&r)
		require.NoError(t, err, text)
		require.True(t, holds, text)
	}
}

func TestConditionsReadTheFieldsOfALogRecord(t *testing.T) {
	hold(t, otlp.SignalLogs, &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{{
		TimeUnixNano: 1e9, ObservedTimeUnixNano: 2e9, SeverityNumber: 17, SeverityText: "ERROR", EventName: "e",
		TraceId: []byte{1, 2}, SpanId: []byte{3}, Attributes: []*commonv1.KeyValue{pair("a", "x"), pair("b", "y")},
		Body: &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: []*commonv1.KeyValue{pair("k", "v")}}}},
	}}}}}}},
		`item.time == timestamp("1970-01-01T00:00:01Z")`, `item.observed_time > item.time`, `item.severity == 17`,
		`item.severity_text == "ERROR"`, `item.event_name == "e"`, `item.trace_id == "0102" && item.span_id == "03"`,
		`item.body.k == "v"`, `item.body == {"k": "v"}`, `item.body != {"k": "w"}`, `size(attributes) == 2 && size(item.body) == 1`,
		`attributes == item.attributes`, `type(attributes) == map`)
}

func TestConditionsReadTheFieldsOfPoints(t *testing.T) {
	request := func(m *metricsv1.Metric) proto.Message {
		m.Name, m.Unit, m.Description = "n", "s", "d"
		return &metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: []*metricsv1.Metric{m}}}}}}
	}
	hold(t, otlp.SignalMetrics, request(&metricsv1.Metric{Data: &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{
		IsMonotonic: true, AggregationTemporality: 2,
		DataPoints: []*metricsv1.NumberDataPoint{{StartTimeUnixNano: 1, TimeUnixNano: 2, Value: &metricsv1.NumberDataPoint_AsInt{AsInt: -3}}},
	}}}), `item.name + item.unit + item.description == "nsd"`, `item.type == "sum" && item.monotonic`, `item.temporality == "cumulative"`,
		`item.value == -3.0 && item.count == 0`, `item.start < item.time`)
	hold(t, otlp.SignalMetrics, request(&metricsv1.Metric{Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{
		DataPoints: []*metricsv1.NumberDataPoint{{Value: &metricsv1.NumberDataPoint_AsDouble{AsDouble: 1.5}}},
	}}}), `item.type == "gauge" && !item.monotonic && item.value == 1.5 && item.temporality == "unspecified"`)
	hold(t, otlp.SignalMetrics, request(&metricsv1.Metric{Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{
		AggregationTemporality: 1, DataPoints: []*metricsv1.HistogramDataPoint{{Count: 4}},
	}}}), `item.type == "histogram" && item.count == 4 && item.value == 0.0 && item.temporality == "delta"`)
	hold(t, otlp.SignalMetrics, request(&metricsv1.Metric{Data: &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{
		DataPoints: []*metricsv1.ExponentialHistogramDataPoint{{Count: 5}},
	}}}), `item.type == "exponential_histogram" && item.count == 5`)
	hold(t, otlp.SignalMetrics, request(&metricsv1.Metric{Data: &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{
		DataPoints: []*metricsv1.SummaryDataPoint{{Count: 6}},
	}}}), `item.type == "summary" && item.count == 6`)
}
