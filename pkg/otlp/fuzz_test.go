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
	for _, b := range [][]byte{
		encode(f, checkout()),
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
	good := encode(t, oneBadSpan(func(s *tracev1.Span) {
		s.Links = []*tracev1.Span_Link{{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567")}}
		s.Attributes[0].Value = nested(4)
	}))
	rapid.Check(t, func(rt *rapid.T) {
		b := slices.Clone(good)
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
			b[at] = rapid.Byte().Draw(rt, "byte")
		}
		requireAgrees(rt, otlp.Signal(rapid.IntRange(0, 2).Draw(rt, "signal")), b[:rapid.IntRange(len(b)-3, len(b)).Draw(rt, "length")])
	})
}

// requireAgrees holds what this package makes of b against what protobuf makes of it.
func requireAgrees(t require.TestingT, s otlp.Signal, b []byte) {
	var r otlp.Request
	want := message(s)
	if err := r.Scan(s, b, nil); err != nil {
		if !strings.Contains(err.Error(), "given twice") && !strings.Contains(err.Error(), "more than") { // protobuf would merge or count on
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
	if s != otlp.SignalMetrics {
		require.Equal(t, r.Items-r.Refused, items(want))
	}
	var again otlp.Request
	require.NoError(t, again.Scan(s, kept, nil))
	require.Empty(t, again.Message(false))
	require.Equal(t, r.Items-r.Refused, again.Items)
	for _, refusal := range refusals {
		require.NotEmpty(t, refusal.Text)
	}
	if s == otlp.SignalTraces {
		requireSameSpans(t, want.(*collectorv1.ExportTraceServiceRequest), kept)
	}
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

// items counts the spans or records of a request.
func items(m proto.Message) int {
	n := 0
	switch m := m.(type) {
	case *collectorv1.ExportTraceServiceRequest:
		for _, r := range m.GetResourceSpans() {
			for _, s := range r.GetScopeSpans() {
				n += len(s.GetSpans())
			}
		}
	case *collectorlogsv1.ExportLogsServiceRequest:
		for _, r := range m.GetResourceLogs() {
			for _, s := range r.GetScopeLogs() {
				n += len(s.GetLogRecords())
			}
		}
	}
	return n
}

// requireSameSpans holds the view of b against what protobuf decoded from it.
func requireSameSpans(t require.TestingT, m *collectorv1.ExportTraceServiceRequest, b []byte) {
	var view otlp.Traces
	require.NoError(t, view.Scan(b))
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
				scope := view.ScopeOf(got)
				w.Add(view.BytesOf(view.Resources[got.Resource]), view.BytesOf(view.ResourceSchemas[got.Resource]),
					view.BytesOf(scope.Raw), view.BytesOf(scope.Schema), view.BytesOf(got.Raw))
			}
		}
	}
	require.Len(t, view.Spans, i)
	requireRegrouped(t, m, w.Bytes())
}

// requireRegrouped checks that b has the spans of m in the same order under the same resources and scopes.
func requireRegrouped(t require.TestingT, m *collectorv1.ExportTraceServiceRequest, b []byte) {
	var got collectorv1.ExportTraceServiceRequest
	require.NoError(t, proto.Unmarshal(b, &got))
	flat := func(m *collectorv1.ExportTraceServiceRequest) (out []proto.Message) {
		for _, r := range m.GetResourceSpans() {
			for _, g := range r.GetScopeSpans() {
				for _, s := range g.GetSpans() {
					out = append(out, &tracev1.ResourceSpans{
						Resource: r.GetResource(), SchemaUrl: r.GetSchemaUrl(),
						ScopeSpans: []*tracev1.ScopeSpans{{Scope: g.GetScope(), SchemaUrl: g.GetSchemaUrl(), Spans: []*tracev1.Span{s}}},
					})
				}
			}
		}
		return out
	}
	want, have := flat(m), flat(&got)
	require.Len(t, have, len(want))
	for i := range want {
		a, errA := proto.MarshalOptions{Deterministic: true}.Marshal(want[i])
		b, errB := proto.MarshalOptions{Deterministic: true}.Marshal(have[i])
		require.NoError(t, errA)
		require.NoError(t, errB)
		require.Equal(t, a, b)
	}
}
