package arrival_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
)

var start = time.Unix(1_800_000_000, 0) // the beginning of a minute

const stream = "0123456789abcdef"

func text(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

func integer(key string, value int64) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: value}}}
}

// span gives a good one that ended then.
func span(end time.Time) *tracev1.Span {
	return &tracev1.Span{
		TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "GET /cart",
		StartTimeUnixNano: uint64(end.UnixNano() - 1000), EndTimeUnixNano: uint64(end.UnixNano()),
	}
}

// from gives spans of a service.
func from(service string, spans ...*tracev1.Span) *tracev1.ResourceSpans {
	return &tracev1.ResourceSpans{
		Resource:   &resourcev1.Resource{Attributes: []*commonv1.KeyValue{text("service.name", service)}},
		ScopeSpans: []*tracev1.ScopeSpans{{Spans: spans}},
	}
}

// numbered gives spans of cart that bear the numbers from first on.
func numbered(first, count int64) *tracev1.ResourceSpans {
	spans := make([]*tracev1.Span, count)
	for i := range spans {
		spans[i] = span(start)
	}
	spans[0].Attributes = []*commonv1.KeyValue{
		text("triflow.sequence.stream", stream), integer("triflow.sequence.first", first), integer("triflow.sequence.count", count),
	}
	return from("cart", spans...)
}

// request scans a request.
func request(t require.TestingT, sources ...*tracev1.ResourceSpans) *otlp.Request {
	b, err := proto.Marshal(&collectorv1.ExportTraceServiceRequest{ResourceSpans: sources})
	require.NoError(t, err)
	r := &otlp.Request{}
	require.NoError(t, r.Scan(otlp.SignalTraces, b, nil))
	return r
}

func batch(t require.TestingT, sources ...*tracev1.ResourceSpans) arrival.Batch {
	return arrival.Batch{Tenant: "default", Address: "10.0.0.1", Request: request(t, sources...)}
}

// senders lists all.
func senders(t require.TestingT, b *arrival.Book, now time.Time) []*ingestionv1.Sender {
	page, next, err := b.List(now, arrival.Query{Limit: 1000})
	require.NoError(t, err)
	require.Empty(t, next)
	return page
}

func only(t require.TestingT, b *arrival.Book, now time.Time) *ingestionv1.Sender {
	all := senders(t, b, now)
	require.Len(t, all, 1)
	return all[0]
}

func services(page []*ingestionv1.Sender) []string {
	var names []string
	for _, s := range page {
		names = append(names, s.GetService())
	}
	return names
}

func rows(n int) *arrival.Book {
	limits := arrival.DefaultLimits()
	limits.Rows = n
	return arrival.NewBook(limits)
}

func label(i int) string { return fmt.Sprintf("service-%03d", i) }

func kinds(t *testing.T, b *arrival.Book, now time.Time, sources ...*tracev1.ResourceSpans) []string {
	t.Helper()
	var all []string
	for _, f := range b.Record(now, batch(t, sources...)) {
		all = append(all, fmt.Sprintf("%s %d", f.Kind, f.Items))
	}
	return all
}
