package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// requests is how many points or records a pod had of a path.
type requests struct {
	pod, path   string
	start, time uint64
	n           int64
}

// sums writes points of one metric, each under a resource of its own that is the same.
func sums(temporality metricsv1.AggregationTemporality, all ...requests) *metricsv1.MetricsData {
	m := &metricsv1.MetricsData{}
	for _, r := range all {
		p := &metricsv1.NumberDataPoint{
			StartTimeUnixNano: r.start, TimeUnixNano: r.time, Value: &metricsv1.NumberDataPoint_AsInt{AsInt: r.n},
			Attributes: []*commonv1.KeyValue{pair("pod", text(r.pod)), pair("path", text(r.path))},
		}
		m.ResourceMetrics = append(m.ResourceMetrics, &metricsv1.ResourceMetrics{
			Resource: &resourcev1.Resource{Attributes: cart()},
			ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: []*metricsv1.Metric{{Name: "requests", Data: &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{
				AggregationTemporality: temporality, IsMonotonic: true, DataPoints: []*metricsv1.NumberDataPoint{p},
			}}}}}},
		})
	}
	return m
}

// read gives back what sums wrote.
func read(t require.TestingT, payload []byte) (all []requests) {
	for _, rm := range decode(t, otlp.SignalMetrics, payload).(*metricsv1.MetricsData).ResourceMetrics {
		for _, m := range rm.ScopeMetrics[0].Metrics {
			for _, p := range m.GetSum().GetDataPoints() {
				r := requests{start: p.StartTimeUnixNano, time: p.TimeUnixNano, n: p.GetAsInt()}
				for _, kv := range p.Attributes {
					if kv.Key == "pod" {
						r.pod = kv.Value.GetStringValue()
					} else {
						r.path = kv.Value.GetStringValue()
					}
				}
				all = append(all, r)
			}
		}
	}
	return all
}

const (
	inDeltas  = metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	inTotals  = metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	inNothing = metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_UNSPECIFIED
)

func TestPointsThatAreAlikeWithoutAnAttributeBecomeOne(t *testing.T) {
	s := otlp.SignalMetrics
	for name, c := range map[string]struct {
		stage     string
		in        metricsv1.AggregationTemporality
		all, want []requests
	}{
		"the sum of totals starts with the first": {
			`{aggregate: {drop: [pod]}}`, inTotals,
			[]requests{{"a", "/", 3, 9, 5}, {"b", "/", 2, 9, 7}, {"b", "/x", 2, 9, 1}},
			[]requests{{"", "/", 2, 9, 12}, {"", "/x", 2, 9, 1}},
		},
		"what stays can be named, too": {
			`{aggregate: {keep: ["pa*"]}}`, inTotals,
			[]requests{{"a", "/", 3, 9, 5}, {"b", "/", 2, 9, 7}},
			[]requests{{"", "/", 2, 9, 12}},
		},
		"times that differ are kept apart": {
			`{aggregate: {drop: [pod]}}`, inTotals,
			[]requests{{"a", "/", 2, 9, 5}, {"a", "/", 2, 19, 6}},
			[]requests{{"", "/", 2, 9, 5}, {"", "/", 2, 19, 6}},
		},
		"and so are spans of time of deltas": {
			`{aggregate: {drop: [pod]}}`, inDeltas,
			[]requests{{"a", "/", 2, 9, 5}, {"b", "/", 3, 9, 6}, {"c", "/", 2, 9, 7}},
			[]requests{{"", "/", 2, 9, 12}, {"", "/", 3, 9, 6}},
		},
		"sums that do not say what they count from stay": {
			`{aggregate: {drop: [pod]}}`, inNothing,
			[]requests{{"a", "/", 2, 9, 5}, {"b", "/", 2, 9, 6}},
			[]requests{{"a", "/", 2, 9, 5}, {"b", "/", 2, 9, 6}},
		},
		"a condition says which": {
			`{aggregate: {drop: [pod], when: 'attributes["path"] == "/"'}}`, inTotals,
			[]requests{{"a", "/x", 2, 9, 5}, {"b", "/x", 2, 9, 6}, {"a", "/", 2, 9, 5}, {"b", "/", 2, 9, 6}},
			[]requests{{"a", "/x", 2, 9, 5}, {"b", "/x", 2, 9, 6}, {"", "/", 2, 9, 11}},
		},
	} {
		out := pass(t, load(t, stages(s, c.stage)), s, encode(t, sums(c.in, c.all...)))
		require.Equal(t, c.want, read(t, part(out, pipeline.Service).Payload), name)
		require.Equal(t, len(c.all)-len(c.want), out.Dropped[pipeline.Joined], name)
	}
}

func TestAGaugeComesToWhatItsAggregateSays(t *testing.T) {
	s := otlp.SignalMetrics
	var points []*metricsv1.NumberDataPoint
	for i, n := range []int64{4, 9, 2} {
		points = append(points, &metricsv1.NumberDataPoint{
			TimeUnixNano: 7, Attributes: []*commonv1.KeyValue{pair("pod", number(int64(i)))}, Value: &metricsv1.NumberDataPoint_AsInt{AsInt: n},
		})
	}
	payload := encode(t, &metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: []*metricsv1.Metric{
		{Name: "queue", Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: points}}},
		{Name: "latency", Data: &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{DataPoints: []*metricsv1.SummaryDataPoint{
			{TimeUnixNano: 7, Attributes: points[0].Attributes}, {TimeUnixNano: 7, Attributes: points[1].Attributes},
		}}}},
	}}}}}})
	for how, want := range map[string]float64{"last": 2, "min": 2, "max": 9, "mean": 5, "sum": 15, "": 2} {
		out := pass(t, load(t, stages(s, fmt.Sprintf(`{aggregate: {drop: [pod], gauge: %q}}`, how))), s, payload)
		got := decode(t, s, part(out, pipeline.Service).Payload).(*metricsv1.MetricsData).ResourceMetrics[0].ScopeMetrics[0].Metrics
		require.Len(t, got[0].GetGauge().GetDataPoints(), 1)
		require.Empty(t, got[0].GetGauge().GetDataPoints()[0].Attributes)
		require.Equal(t, want, got[0].GetGauge().GetDataPoints()[0].GetAsDouble()+float64(got[0].GetGauge().GetDataPoints()[0].GetAsInt()), how)
		require.Len(t, got[1].GetSummary().GetDataPoints(), 2, "quantiles do not add up")
		require.Len(t, got[1].GetSummary().GetDataPoints()[0].Attributes, 1)
	}
}

// said is a log record of a test, at a second.
func said(body string, second uint64, attributes ...*commonv1.KeyValue) *logsv1.LogRecord {
	return &logsv1.LogRecord{Body: text(body), TimeUnixNano: second * 1e9, SeverityNumber: 9, Attributes: attributes}
}

func logged(records ...*logsv1.LogRecord) *logsv1.LogsData {
	return &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: records}}}}}
}

// times are the attributes of a record that stands for several.
func times(count int64, first, last string, more ...*commonv1.KeyValue) []*commonv1.KeyValue {
	return append(more, pair("log_count", number(count)), pair("first_observed_timestamp", text(first)), pair("last_observed_timestamp", text(last)))
}

func TestLogRecordsThatAreAlikeBecomeOneWithTheirCount(t *testing.T) {
	s := otlp.SignalLogs
	a, b := pair("a", number(1)), pair("a", number(2))
	for name, c := range map[string]struct {
		stage    string
		in, want []*logsv1.LogRecord
	}{
		"by all that they say": {
			`{aggregate: {}}`,
			[]*logsv1.LogRecord{said("x", 3), said("y", 4), said("x", 1), said("x", 2, a)},
			[]*logsv1.LogRecord{said("x", 3, times(2, "1970-01-01T00:00:01Z", "1970-01-01T00:00:03Z")...), said("y", 4), said("x", 2, a)},
		},
		"by an expression": {
			`{aggregate: {by: 'attributes["a"]', when: 'item.severity == 9'}}`,
			[]*logsv1.LogRecord{said("x", 1, a), said("y", 2, a), said("z", 3, b), said("none", 4), said("none", 5)},
			[]*logsv1.LogRecord{
				said("x", 1, times(2, "1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z", a)...), said("z", 3, b), said("none", 4), said("none", 5),
			},
		},
		"in windows of their time": {
			`{aggregate: {window: 10s}}`,
			[]*logsv1.LogRecord{said("x", 8), said("x", 9), said("x", 10)},
			[]*logsv1.LogRecord{said("x", 8, times(2, "1970-01-01T00:00:08Z", "1970-01-01T00:00:09Z")...), said("x", 10)},
		},
		"with the counts that they had": {
			`{aggregate: {by: 'item.body'}}`,
			[]*logsv1.LogRecord{said("x", 8, pair("log_count", number(40))), said("x", 9, pair("log_count", text("?")))},
			[]*logsv1.LogRecord{said("x", 8, times(41, "1970-01-01T00:00:08Z", "1970-01-01T00:00:09Z")...)},
		},
	} {
		out := pass(t, load(t, stages(s, c.stage)), s, encode(t, logged(c.in...)))
		got := decode(t, s, part(out, pipeline.Service).Payload)
		if want := logged(c.want...); !proto.Equal(want, got) {
			require.Equal(t, fmt.Sprint(want), fmt.Sprint(got), name)
		}
	}
}

func TestFaultsOfAnAggregateAreNamed(t *testing.T) {
	for signal, c := range map[string]struct {
		stage string
		wants []string
	}{
		"traces": {`{}`, []string{`stages[0].aggregate: for traces, want metrics or logs`}},
		"metrics": {`{by: 'item.name', window: 1h, gauge: median, keep: [a], drop: [b]}`, []string{
			`aggregate.window: 1h0m0s, want 100ms to 1m0s`, `aggregate: by or count for metrics, want keep or drop`,
			`aggregate: keep and drop, or neither, want one of them`, `aggregate.gauge: "median", want last, min, max, mean or sum`,
		}},
		"logs": {`{by: 'item.value', drop: [a], count: last_observed_timestamp}`, []string{
			`aggregate: keep, drop or gauge for logs, want by or none`, `aggregate.by: "item.value": undefined field`,
			`aggregate.count: "last_observed_timestamp", want 1 to 256 bytes`,
		}},
	} {
		_, err := pipeline.Load([]byte(fmt.Sprintf("pipelines: [{name: a, signal: %s, stages: [{aggregate: %s}]}]", signal, c.stage)), nil)
		for _, want := range c.wants {
			require.ErrorContains(t, err, want)
		}
	}
}

func TestTheWindowOfADestinationIsTheLongestOnTheWayThere(t *testing.T) {
	set := load(t, `
pipelines:
  - name: a
    signal: logs
    stages:
      - aggregate: {window: 2s}
      - route: {when: 'item.severity > 16', to: ['pipeline:b', near]}
      - aggregate: {window: 9s}
  - {name: b, signal: logs, match: 'false', stages: [{aggregate: {window: 5s}}, {route: {to: [far]}}, ]}
`, "near", "far", "none")
	for destination, want := range map[string]time.Duration{"near": 2 * time.Second, "far": 5 * time.Second, "none": 0, pipeline.Service: 9 * time.Second} {
		require.Equal(t, want, set.Window(otlp.SignalLogs, destination), destination)
	}
	require.Zero(t, set.Window(otlp.SignalMetrics, pipeline.Service))
}
