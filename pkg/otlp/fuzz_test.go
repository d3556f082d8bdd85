package otlp_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
)

// message gives an empty export request of a signal.
func message(s otlp.Signal) proto.Message {
	switch s {
	case otlp.SignalLogs:
		return &collectorlogsv1.ExportLogsServiceRequest{}
	case otlp.SignalMetrics:
		return &collectormetricsv1.ExportMetricsServiceRequest{}
	}
	return &collectorv1.ExportTraceServiceRequest{}
}

func FuzzWhatIsTakenIsWhatProtobufReads(f *testing.F) {
	good := samples(f)
	for _, b := range [][]byte{
		good[0], good[1], good[2],
		encode(f, oneBadSpan(func(s *tracev1.Span) { s.TraceId = nil })),
		encode(f, oneBadSpan(func(s *tracev1.Span) { s.Attributes[0].Value = nested(70) })),
		{0x0a, 0x00, 0x9b, 0x06, 0x9c, 0x06},
		encode(f, oneBadSpan(func(s *tracev1.Span) { s.ParentSpanId, s.Links = make([]byte, 8), []*tracev1.Span_Link{{}} })),
		bytes.ReplaceAll(encode(f, checkout()), []byte("cart"), []byte("c\xffr\xfe")),
		wrap([]byte("\x0a\x100123456789abcdef\x12\x0801234567\x4a\x15\x0a\x0ftriflow.quality\x12\x02\x0a\xff\x22\x08abcdefgh\x22\x08\x00\x00\x00\x00\x00\x00\x00\x00"), 2, 2, 1),
		wrap([]byte{0x32, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 9, 2, 2, 1),
	} {
		for s := range uint8(3) {
			f.Add(s, b)
		}
	}
	f.Fuzz(func(t *testing.T, signal uint8, b []byte) { requireAgrees(t, otlp.Signal(signal%3), b) })
}

func TestARequestWithAFewBytesChangedIsTakenAsProtobufReadsIt(t *testing.T) {
	goods := samples(t)
	rapid.Check(t, func(rt *rapid.T) {
		signal := otlp.Signal(rapid.IntRange(0, 2).Draw(rt, "signal"))
		b := slices.Clone(goods[rapid.IntRange(0, 2).Draw(rt, "sample")])
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
			b[at] = rapid.Byte().Draw(rt, "byte")
		}
		requireAgrees(rt, signal, b[:rapid.IntRange(len(b)-3, len(b)).Draw(rt, "length")])
	})
}

// samples gives a request of each signal without fault.
func samples(t testing.TB) [3][]byte {
	attributes := []*commonv1.KeyValue{text("key", "größe"), {Key: "deep", Value: nested(4)}}
	link := &tracev1.Span_Link{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), TraceState: "a=b"}
	return [3][]byte{
		encode(t, oneBadSpan(func(s *tracev1.Span) { s.Links, s.Attributes = []*tracev1.Span_Link{link, link}, attributes })),
		encode(t, &collectorlogsv1.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{
			Scope: &commonv1.InstrumentationScope{Name: "scope", Attributes: attributes}, SchemaUrl: "url",
			LogRecords: []*logsv1.LogRecord{
				{Body: nested(3), SeverityText: "WARN", Attributes: attributes},
				{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), EventName: "event"},
			},
		}}}}}),
		encode(t, &collectormetricsv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{
			Metrics: append(everyKind(), []*metricsv1.Metric{
				{Name: "wait", Metadata: attributes, Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{DataPoints: []*metricsv1.HistogramDataPoint{
					{Count: 3, BucketCounts: []uint64{1, 2}, ExplicitBounds: []float64{0.5}, Attributes: attributes},
				}}}},
				{Name: "size", Data: &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{
					DataPoints: []*metricsv1.ExponentialHistogramDataPoint{{
						Count: 301, ZeroCount: 1, Positive: &metricsv1.ExponentialHistogramDataPoint_Buckets{BucketCounts: []uint64{300}}, Attributes: attributes,
					}},
				}}},
			}...),
		}}}}}),
	}
}

// requireAgrees holds what this package makes of b against what protobuf makes of it.
func requireAgrees(t require.TestingT, s otlp.Signal, b []byte) {
	var r otlp.Request
	want := message(s)
	err := r.Scan(s, b, nil)
	requireSameFaults(t, &r, err)
	if err != nil {
		if !strings.Contains(err.Error(), "given twice") && !strings.Contains(err.Error(), "second kind") && !strings.Contains(err.Error(), "more than") { // protobuf would merge or count on
			require.Error(t, proto.Unmarshal(b, want), "refused as a whole: %v", err)
		}
		return
	}
	kept := r.Kept()
	require.NoError(t, proto.Unmarshal(kept, want))
	refusals, repairs := r.Refusals(), r.Repairs()
	text := r.Message(len(b)%2 == 0)
	require.True(t, utf8.ValidString(text))
	require.LessOrEqual(t, len(text), otlp.MaxMessage)
	require.Equal(t, len(refusals)+len(repairs) == 0, text == "")
	if len(refusals) == 0 {
		requireOnlyMended(t, s, b, repairs, want)
	}
	if text == "" {
		require.Equal(t, b, kept)
	}
	require.Equal(t, r.Items-r.Refused, items(want))
	var again otlp.Request
	require.NoError(t, again.Scan(s, kept, nil))
	require.Empty(t, again.Message(false))
	require.Equal(t, r.Items-r.Refused, again.Items)
	for _, refusal := range refusals {
		require.NotEmpty(t, refusal.Text)
	}
	requireSameViews(t, want, kept)
}

// requireOnlyMended holds what is kept of b, of which nothing was refused, against what protobuf reads in b and the
// repairs done to that.
func requireOnlyMended(t require.TestingT, s otlp.Signal, b []byte, repairs []otlp.Repair, kept proto.Message) {
	texts := slices.ContainsFunc(repairs, func(r otlp.Repair) bool { return r.Kind == otlp.RepairUTF8 })
	want := message(s)
	err := proto.Unmarshal(b, want)
	require.Equal(t, texts, err != nil, "%v", err)
	if texts {
		return
	}
	if m, ok := want.(*collectorv1.ExportTraceServiceRequest); ok {
		mendIDs(m)
	}
	require.True(t, proto.Equal(want, kept), "want %v\ngot %v", want, kept)
}

func mendIDs(m *collectorv1.ExportTraceServiceRequest) {
	zeros := func(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
	for _, r := range m.GetResourceSpans() {
		for _, g := range r.GetScopeSpans() {
			for _, s := range g.GetSpans() {
				if zeros(s.GetParentSpanId()) {
					s.ParentSpanId = nil
				}
				s.Links = slices.DeleteFunc(s.GetLinks(), func(l *tracev1.Span_Link) bool {
					return len(l.GetTraceId()) != 16 || len(l.GetSpanId()) != 8 || zeros(l.GetTraceId()) || zeros(l.GetSpanId())
				})
			}
		}
	}
}

// items counts the spans, records or points of a request.
func items(m proto.Message) int { return len(takeApart(m.ProtoReflect()).items) }

// requireSameSpans holds the view of b against what protobuf decoded from it.
func requireSameSpans(t require.TestingT, m *collectorv1.ExportTraceServiceRequest, b []byte) {
	var view otlp.Traces
	require.NoError(t, view.Scan(b, otlp.LevelFields))
	var w otlp.Writer
	i := 0
	for _, r := range m.GetResourceSpans() {
		for _, g := range r.GetScopeSpans() {
			for _, want := range g.GetSpans() {
				got := &view.Spans[i]
				i++
				require.Zero(t, got.Fault)
				require.Equal(t, want.GetTraceId(), got.Trace[:])
				require.Equal(t, want.GetSpanId(), got.ID[:])
				if len(want.GetParentSpanId()) > 0 {
					require.Equal(t, want.GetParentSpanId(), got.Parent[:])
				} else {
					require.True(t, got.Parent.IsZero())
				}
				require.Equal(t, []uint64{want.GetStartTimeUnixNano(), want.GetEndTimeUnixNano()}, []uint64{got.Start, got.End})
				require.Equal(t, []string{want.GetName(), want.GetTraceState()}, []string{view.Text(got.Name), view.Text(got.State)})
				require.Equal(t, want.GetFlags(), got.Flags)
				require.Equal(t, []int{len(want.GetAttributes()), len(want.GetEvents()), len(want.GetLinks())},
					[]int{int(got.Attrs), int(got.Events), int(got.Links)})
				if k := uint32(want.GetKind()); k <= 255 {
					require.Equal(t, k, uint32(got.Kind))
				}
				if c := uint32(want.GetStatus().GetCode()); c <= 255 {
					require.Equal(t, c, uint32(got.Status))
				}
				require.Equal(t, want.GetStatus().GetMessage(), view.StatusMessage(got))
				w.AddSpan(&view, got)
			}
		}
	}
	require.Len(t, view.Spans, i)
	requireSameItems(t, otlp.SignalTraces, w.Bytes(), b)
}
