package otlp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// bad stands for bytes that are not UTF-8: they cannot be encoded, so that a test puts them in afterwards. mended is
// what becomes of them.
const (
	bad    = "{BAD}"
	mended = "\uFFFD{}"
)

// spoiled encodes m with bytes that are not UTF-8 where it says bad: two runs of them are longer than one character.
func spoiled(t *testing.T, m proto.Message) []byte {
	return bytes.ReplaceAll(encode(t, m), []byte(bad), []byte("\xff\xc3\xe9{}"))
}

func quality() *commonv1.KeyValue { return text(otlp.QualityKey, otlp.QualityInvalidUTF8) }

func TestAFaultThatCanBeMendedCostsOnlyWhatIsFaulty(t *testing.T) {
	link := &tracev1.Span_Link{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), TraceState: "a=b"}
	without := func(change func(l *tracev1.Span_Link)) *tracev1.Span_Link {
		l := proto.CloneOf(link)
		change(l)
		return l
	}
	utf8 := otlp.Repair{Kind: otlp.RepairUTF8, Count: 1, Text: "not UTF-8, bad bytes replaced by U+FFFD"}
	for name, c := range map[string]struct {
		before, after func(*tracev1.Span)
		repair        otlp.Repair
		path          string
	}{
		"links without ids": {
			func(s *tracev1.Span) {
				s.Links = []*tracev1.Span_Link{
					link, without(func(l *tracev1.Span_Link) { l.TraceId = make([]byte, 16) }),
					without(func(l *tracev1.Span_Link) { l.SpanId = make([]byte, 8) }),
					without(func(l *tracev1.Span_Link) { l.TraceId = l.TraceId[:15] }),
					without(func(l *tracev1.Span_Link) { l.SpanId, l.TraceState = nil, bad }), link,
				}
			},
			func(s *tracev1.Span) { s.Links = []*tracev1.Span_Link{link, link} },
			otlp.Repair{Kind: otlp.RepairLink, Count: 4, Text: "no trace and span id that are not zero, link left out"},
			".links[1]",
		},
		"a parent of zeros": {
			func(s *tracev1.Span) { s.ParentSpanId = make([]byte, 8) },
			func(s *tracev1.Span) { s.ParentSpanId = nil },
			otlp.Repair{Kind: otlp.RepairParentID, Count: 1, Text: "all zero, left out"},
			".parent_span_id",
		},
		"a name": {
			func(s *tracev1.Span) { s.Name = "GET " + bad },
			func(s *tracev1.Span) { s.Name = "GET " + mended; s.Attributes = append(s.Attributes, quality()) },
			utf8, ".name",
		},
		"a text deep in a value": {
			func(s *tracev1.Span) { s.Attributes[0].Value = list(map[string]string{"a" + bad: "ok"}) },
			func(s *tracev1.Span) {
				s.Attributes[0].Value = list(map[string]string{"a" + mended: "ok"})
				s.Attributes = append(s.Attributes, quality())
			},
			utf8, ".attributes[0].value.array_value.values[0].kvlist_value.values[0].key",
		},
		"a quality that came": {
			func(s *tracev1.Span) {
				s.TraceState = bad
				s.Attributes = append([]*commonv1.KeyValue{text(otlp.QualityKey, "good")}, s.Attributes...)
			},
			func(s *tracev1.Span) { s.TraceState = mended; s.Attributes = append(s.Attributes, quality()) },
			utf8, ".trace_state",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r otlp.Request
			require.NoError(t, r.Scan(otlp.SignalTraces, spoiled(t, oneBadSpan(c.before)), nil))
			require.Equal(t, []int{3, 0}, []int{r.Items, r.Refused})
			c.repair.Path = "resource_spans[0].scope_spans[0].spans[1]" + c.path
			require.Equal(t, []otlp.Repair{c.repair}, r.Repairs())
			require.Equal(t, "warning: "+c.repair.Path+": "+c.repair.Text, firstOf(r.Message(false)))
			requireMessage(t, oneBadSpan(c.after), r.Kept())
		})
	}
}

func firstOf(message string) string {
	before, _, _ := strings.Cut(message, "; and ")
	return before
}

// list gives an array of a map.
func list(m map[string]string) *commonv1.AnyValue {
	kvs := &commonv1.KeyValueList{}
	for k, v := range m {
		kvs.Values = append(kvs.Values, text(k, v))
	}
	inner := &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: kvs}}
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: []*commonv1.AnyValue{inner}}}}
}

func TestEveryTextOfALogIsMended(t *testing.T) {
	logs := func(s string, marked ...*commonv1.KeyValue) *collectorlogsv1.ExportLogsServiceRequest {
		return &collectorlogsv1.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{
			Resource: &resourcev1.Resource{
				Attributes: []*commonv1.KeyValue{text("service.name", s)},
				EntityRefs: []*commonv1.EntityRef{{Type: s, IdKeys: []string{s, "b"}}},
			},
			SchemaUrl: s,
			ScopeLogs: []*logsv1.ScopeLogs{{
				Scope: &commonv1.InstrumentationScope{Name: s, Version: s, Attributes: []*commonv1.KeyValue{text(s, s)}}, SchemaUrl: s,
				LogRecords: []*logsv1.LogRecord{
					{SeverityText: s, EventName: s, Body: text("", s).Value, Attributes: append([]*commonv1.KeyValue{text(s, s)}, marked...)},
					{SeverityText: "as it was"},
				},
			}},
		}}}
	}
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalLogs, spoiled(t, logs(bad)), nil))
	require.Equal(t, []int{2, 0}, []int{r.Items, r.Refused})
	require.Equal(t, mended, string(r.Sources()[0].Service))
	requireMessage(t, logs(mended, quality()), r.Kept())
	require.Equal(t, []otlp.Repair{{
		Kind: otlp.RepairUTF8, Count: 14, Path: "resource_logs[0].resource.attributes[0].value.string_value", Text: "not UTF-8, bad bytes replaced by U+FFFD",
	}}, r.Repairs())
}

func TestEveryTextOfAMetricIsMended(t *testing.T) {
	metrics := func(s string, marked ...*commonv1.KeyValue) *collectormetricsv1.ExportMetricsServiceRequest {
		attributes := append([]*commonv1.KeyValue{text(s, "v")}, marked...)
		return &collectormetricsv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{
			Metrics: []*metricsv1.Metric{
				{Name: s, Unit: s, Description: s, Metadata: []*commonv1.KeyValue{text(s, s)}, Data: &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{
					IsMonotonic: true, DataPoints: []*metricsv1.NumberDataPoint{{Attributes: attributes}, {}},
				}}},
				{Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{DataPoints: []*metricsv1.HistogramDataPoint{{Attributes: attributes}}}}},
				{Data: &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{DataPoints: []*metricsv1.ExponentialHistogramDataPoint{{Attributes: attributes}}}}},
				{Data: &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{DataPoints: []*metricsv1.SummaryDataPoint{{Attributes: attributes}}}}},
			},
		}}}}}
	}
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalMetrics, spoiled(t, metrics(bad)), nil))
	require.Equal(t, []int{5, 0}, []int{r.Items, r.Refused})
	requireMessage(t, metrics(mended, quality()), r.Kept())
}

func TestASpanWithoutRoomForTheMarkIsRefused(t *testing.T) {
	var r otlp.Request
	body := spoiled(t, oneBadSpan(func(s *tracev1.Span) {
		s.Name, s.Attributes = bad, nil
		s.Events = make([]*tracev1.Span_Event, otlp.MaxCount)
		fill(s.Events)
	}))
	require.NoError(t, r.Scan(otlp.SignalTraces, body, nil))
	require.Equal(t, otlp.FaultCount, r.Refusals()[0].Fault)
	require.Empty(t, r.Repairs())
}

func TestOfParentsThatAreGivenTwiceTheLastCounts(t *testing.T) {
	good := encode(t, span(1, 2))
	zero, parent := wrap(make([]byte, 8), 4), wrap([]byte("abcdefgh"), 4)
	for name, c := range map[string]struct {
		parents [][]byte
		want    string
	}{
		"zeros last":  {[][]byte{good, parent, zero}, ""},
		"zeros first": {[][]byte{good, zero, parent}, "abcdefgh"},
	} {
		t.Run(name, func(t *testing.T) {
			var r otlp.Request
			require.NoError(t, r.Scan(otlp.SignalTraces, wrap(bytes.Join(c.parents, nil), 2, 2, 1), nil))
			var got otlp.Traces
			require.NoError(t, got.Scan(r.Kept(), otlp.LevelFields))
			require.Equal(t, c.want, string(bytes.Trim(got.Spans[0].Parent[:], "\x00")))
			require.Len(t, r.Repairs(), 1)
		})
	}
}
