package otlp_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
)

func text(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

func integer(key string, value int64) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: value}}}
}

func checkout() *collectorv1.ExportTraceServiceRequest {
	return &collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{{
		Resource:  &resourcev1.Resource{Attributes: []*commonv1.KeyValue{integer("process.pid", 7), text("service.name", "cart")}},
		SchemaUrl: "https://opentelemetry.io/schemas/1.27.0",
		ScopeSpans: []*tracev1.ScopeSpans{{
			Scope: &commonv1.InstrumentationScope{Name: "http"},
			Spans: []*tracev1.Span{{
				TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), ParentSpanId: []byte("abcdefgh"),
				TraceState: "ot=th:8", Name: "GET /cart", Kind: tracev1.Span_SPAN_KIND_SERVER, Flags: 257,
				StartTimeUnixNano: 1767225600000000123, EndTimeUnixNano: 1767225600250000457,
				Attributes: []*commonv1.KeyValue{text("http.route", "/cart"), integer("http.response.status_code", 500)},
				Events:     []*tracev1.Span_Event{{Name: "exception"}},
				Status:     &tracev1.Status{Code: tracev1.Status_STATUS_CODE_ERROR, Message: "boom"},
			}},
		}},
	}, {}}}
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	return b
}

func TestAScanFindsWhatASpanSays(t *testing.T) {
	var view otlp.Traces
	require.NoError(t, view.Scan(encode(t, checkout()), otlp.LevelFields))

	require.Len(t, view.Spans, 1)
	require.Len(t, view.Resources, 2)
	s := &view.Spans[0]
	require.Equal(t, otlp.Fault(0), s.Fault)
	require.Equal(t, id.Trace([]byte("0123456789abcdef")), s.Trace)
	require.Equal(t, id.Span([]byte("01234567")), s.ID)
	require.Equal(t, id.Span([]byte("abcdefgh")), s.Parent)
	require.Equal(t, uint64(250000334), s.End-s.Start)
	require.Equal(t, "GET /cart", view.Text(s.Name))
	require.Equal(t, "ot=th:8", view.Text(s.State))
	require.Equal(t, otlp.KindServer, s.Kind)
	require.Equal(t, otlp.StatusError, s.Status)
	require.Equal(t, "boom", view.StatusMessage(s))
	require.Equal(t, uint32(257), s.Flags)
	require.Equal(t, []uint32{2, 1, 0}, []uint32{s.Attrs, s.Events, s.Links})
	require.Equal(t, "cart", view.Service(s.Resource))
	require.Equal(t, otlp.UnknownService, view.Service(1))
	require.Equal(t, "http", view.ScopeName(s.Scope))

	code, ok := view.SpanAttr(s, "http.response.status_code")
	require.True(t, ok)
	require.Equal(t, "500", code.Text())
	_, ok = view.SpanAttr(s, "http.method")
	require.False(t, ok)
}
