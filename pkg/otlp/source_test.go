package otlp_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

func scanned(t *testing.T, s otlp.Signal, m proto.Message) *otlp.Request {
	t.Helper()
	var r otlp.Request
	require.NoError(t, r.Scan(s, encode(t, m), nil))
	return &r
}

// span gives a good span with times.
func span(start, end uint64, attributes ...*commonv1.KeyValue) *tracev1.Span {
	return &tracev1.Span{
		TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), StartTimeUnixNano: start, EndTimeUnixNano: end, Attributes: attributes,
	}
}

func TestASourceSaysWhoSentAndHowItsItemsAre(t *testing.T) {
	m := &collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{
		{
			Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{
				text("host.name", "h"), text("service.name", "cart"), text("service.name", "second"), text("telemetry.sdk.language", "go"),
				text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.version", "1.47.0"),
			}},
			ScopeSpans: []*tracev1.ScopeSpans{
				{Spans: []*tracev1.Span{span(10, 20), span(10, 40), {Name: "bad", EndTimeUnixNano: 1}}},
				{Spans: []*tracev1.Span{span(10, 9), span(10, 0), span(0, 0)}},
			},
		},
		{
			Resource:   &resourcev1.Resource{Attributes: []*commonv1.KeyValue{integer("service.name", 5), text("telemetry.sdk.name", "")}},
			ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{{SpanId: []byte("x"), TraceId: []byte("0123456789abcdef")}, span(1<<63, 1<<63), span(1, 1<<63+2)}}},
		},
		{},
	}}
	r := scanned(t, otlp.SignalTraces, m)
	got := r.Sources()
	require.Len(t, got, 3)

	require.Equal(t, []string{"cart", "go", "opentelemetry", "1.47.0"}, []string{string(got[0].Service), string(got[0].SDKLanguage), string(got[0].SDKName), string(got[0].SDKVersion)})
	require.Equal(t, []int{6, 1, 3, 3}, []int{got[0].Items, got[0].Refused, got[0].Timed, got[0].Impossible})
	require.Equal(t, []uint64{9, 40, 23}, []uint64{got[0].Earliest, got[0].Latest, got[0].Mean()})
	require.Equal(t, otlp.FaultTraceID, got[0].Fault)

	require.Nil(t, got[1].Service, "a number is no name")
	require.Nil(t, got[1].SDKName)
	require.Equal(t, []int{3, 1, 2, 0}, []int{got[1].Items, got[1].Refused, got[1].Timed, got[1].Impossible})
	require.Equal(t, uint64(1<<63+1), got[1].Mean(), "the sum of the times does not overflow")
	require.Equal(t, otlp.FaultSpanID, got[1].Fault)
	require.Nil(t, got[2].Service)
	require.Equal(t, []int{0, 0, 0, 0}, []int{got[2].Items, got[2].Refused, got[2].Timed, got[2].Impossible})
	require.Equal(t, []uint64{0, 0, 0}, []uint64{got[2].Earliest, got[2].Latest, got[2].Mean()})

	refusals := r.RefusalsOf(1)
	require.Len(t, refusals, 1)
	require.Equal(t, "resource_spans[1].scope_spans[0].spans[0].span_id", refusals[0].Path)
	item := refusals[0].Item
	requireMessage(t, m.ResourceSpans[1].ScopeSpans[0].Spans[0], r.Bytes[item.Off:item.Off+item.Len])
	require.Empty(t, r.RefusalsOf(2))
}

func TestASpanMustSayWhenItBeganAndWhenItEnded(t *testing.T) {
	linked := func(s *tracev1.Span) *tracev1.Span { // is not of the usual form
		s.Links = []*tracev1.Span_Link{{TraceId: s.GetTraceId(), SpanId: s.GetSpanId()}}
		return s
	}
	m := &collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{
		Spans: []*tracev1.Span{span(1, 2), span(0, 2), span(1, 0), linked(span(1, 2)), linked(span(0, 2)), linked(span(1, 0))},
	}}}}}
	r := scanned(t, otlp.SignalTraces, m)
	require.Equal(t, 4, r.Sources()[0].Impossible)
	var v otlp.Traces
	require.NoError(t, v.Scan(r.Bytes, otlp.LevelFields))
	for i, want := range []bool{false, true, true, false, true, true} {
		require.Equal(t, want, v.Spans[i].Impossible(), "span %d", i)
	}
}

func TestTheTimeOfALogRecordIsWhenItWasObservedIfItSaysNoOther(t *testing.T) {
	r := scanned(t, otlp.SignalLogs, &collectorlogsv1.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{
		LogRecords: []*logsv1.LogRecord{{TimeUnixNano: 5}, {ObservedTimeUnixNano: 7}, {TimeUnixNano: 6, ObservedTimeUnixNano: 9}, {}},
	}}}}})
	s := r.Sources()[0]
	require.Equal(t, []int{4, 3, 1}, []int{s.Items, s.Timed, s.Impossible})
	require.Equal(t, []uint64{5, 7, 6}, []uint64{s.Earliest, s.Latest, s.Mean()})
}

func TestADataPointMayNotEndBeforeItStarts(t *testing.T) {
	r := scanned(t, otlp.SignalMetrics, &collectormetricsv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{
		Metrics: []*metricsv1.Metric{{Name: "m", Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{
			{TimeUnixNano: 5}, {StartTimeUnixNano: 1, TimeUnixNano: 7}, {StartTimeUnixNano: 9, TimeUnixNano: 8}, {},
		}}}}},
	}}}}})
	s := r.Sources()[0]
	require.Equal(t, []int{4, 3, 2}, []int{s.Items, s.Timed, s.Impossible})
	require.Equal(t, []uint64{5, 8}, []uint64{s.Earliest, s.Latest})
}

func TestTheMarkOfTheSDKIsFoundOnTheFirstSpanOfAScope(t *testing.T) {
	mark := func(stream string, first, count int64) []*commonv1.KeyValue {
		return []*commonv1.KeyValue{
			text("http.route", "/cart"), text("triflow.sequence.stream", stream), integer("triflow.sequence.first", first), integer("triflow.sequence.count", count),
		}
	}
	scopes := func(groups ...[]*tracev1.Span) (out []*tracev1.ScopeSpans) {
		for _, g := range groups {
			out = append(out, &tracev1.ScopeSpans{Spans: g})
		}
		return out
	}
	r := scanned(t, otlp.SignalTraces, &collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{
		{ScopeSpans: scopes(
			[]*tracev1.Span{span(1, 2, mark("00000000000000aa", 1, 3)...), span(1, 2, mark("not the first", 1, 3)...)},
			[]*tracev1.Span{span(1, 2)},
			[]*tracev1.Span{span(1, 2, mark("00000000000000bb", 0, 3)...)},
			[]*tracev1.Span{span(1, 2, mark("00000000000000cc", 5, -1)...)},
			[]*tracev1.Span{span(1, 2, mark("00000000000000dd", 5, 1)[:3]...)},
		)},
		{ScopeSpans: scopes([]*tracev1.Span{{}}, nil)},
		{ScopeSpans: scopes(nil, []*tracev1.Span{span(1, 2, mark("00000000000000ee", 7, 512)...)}, []*tracev1.Span{span(1, 2, mark("00000000000000ee", 519, 1)...)})},
	}})
	got := r.Sources()
	require.Equal(t, []otlp.Sequence{{Stream: []byte("00000000000000aa"), First: 1, Count: 3}}, got[0].Sequences)
	require.Empty(t, got[1].Sequences)
	require.Equal(t, []otlp.Sequence{{Stream: []byte("00000000000000ee"), First: 7, Count: 512}, {Stream: []byte("00000000000000ee"), First: 519, Count: 1}}, got[2].Sequences)
}
