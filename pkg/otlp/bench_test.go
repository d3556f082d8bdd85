package otlp_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/triflow/triflow/pkg/otlp"
)

// load is a request of spans as large as they are in the field: about 470 bytes, ten attributes, an event in one of
// five, an error in one of fifty, from four resources of twelve attributes.
func load(t testing.TB, spans int) []byte {
	m := &collectorv1.ExportTraceServiceRequest{}
	for i := range 4 {
		res := &resourcev1.Resource{Attributes: []*commonv1.KeyValue{
			text("service.name", fmt.Sprintf("shop-%d", i)), text("service.version", "1.4.2"), text("service.namespace", "shop"),
			text("telemetry.sdk.language", "go"), text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.version", "1.47.0"),
			text("host.name", "ip-10-0-3-17"), text("os.type", "linux"), integer("process.pid", 4711),
			text("process.runtime.version", "go1.26.8"), text("k8s.pod.name", "shop-7d9c5b6f4-x2x7k"), text("k8s.namespace.name", "prod"),
		}}
		m.ResourceSpans = append(m.ResourceSpans, &tracev1.ResourceSpans{
			Resource: res, ScopeSpans: []*tracev1.ScopeSpans{{Scope: &commonv1.InstrumentationScope{Name: "net/http", Version: "0.72.0"}}},
		})
	}
	for i := range spans {
		group := m.ResourceSpans[i%4].ScopeSpans[0]
		group.Spans = append(group.Spans, typical(uint64(i)))
	}
	return encode(t, m)
}

func typical(i uint64) *tracev1.Span {
	const start = 1767225600000000123
	s := &tracev1.Span{
		TraceId: binary.BigEndian.AppendUint64([]byte("\x9f\x1bTRACE\xff"), i/8), SpanId: binary.BigEndian.AppendUint64(nil, ^i), ParentSpanId: []byte("\xf0parent\x01"),
		Name: "POST /orders/{order}/checkout", Kind: tracev1.Span_SPAN_KIND_SERVER, Flags: 257,
		StartTimeUnixNano: start + i, EndTimeUnixNano: start + i + 250e6,
		Attributes: []*commonv1.KeyValue{
			text("http.request.method", "POST"), text("url.path", fmt.Sprintf("/orders/%06d", i)), text("server.address", "cart.shop.svc"),
			integer("server.port", 8080), text("user.id", fmt.Sprintf("user-%08x", i*2654435761)),
			text("user_agent.original", "Mozilla/5.0 (Linux; Android 16; Pixel 9) shop/5.12.0 Mobile Safari"),
			text("network.peer.address", "10.0.113.87"), text("thread.name", "worker-17"),
			integer("http.response.status_code", 200), text("shop.region", "eu-central-1"),
		},
	}
	if i%5 == 0 {
		s.Events = []*tracev1.Span_Event{{TimeUnixNano: start + i, Name: "cache.miss", Attributes: []*commonv1.KeyValue{text("cache.key", fmt.Sprintf("order:%06d", i))}}}
	}
	if i%50 == 0 {
		s.Status = &tracev1.Status{Code: tracev1.Status_STATUS_CODE_ERROR, Message: "upstream answered 503"}
	}
	return s
}

func BenchmarkRequestScan(b *testing.B) {
	var r otlp.Request
	perSpan(b, func(body []byte) error {
		err := r.Scan(otlp.SignalTraces, body, nil)
		r.Sources()
		return err
	})
}

func BenchmarkTracesScan(b *testing.B) {
	var view otlp.Traces
	perSpan(b, func(body []byte) error { return view.Scan(body) })
}

func perSpan(b *testing.B, scan func([]byte) error) {
	for _, spans := range []int{50, 512, 8192} {
		b.Run(fmt.Sprint(spans), func(b *testing.B) {
			body := load(b, spans)
			b.ReportAllocs()
			for b.Loop() {
				if err := scan(body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(spans), "ns/span")
			b.ReportMetric(float64(len(body))/float64(spans), "B/span")
		})
	}
}
