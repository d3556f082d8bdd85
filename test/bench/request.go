package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	collectortracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const spansPerTrace = 8

// shape says what an export holds.
type shape struct {
	spans              int // whole traces, and the first spans of one more if it is no multiple of spansPerTrace
	resources          int // 1 to 6; services beyond share those of the first
	resourceAttributes int // of each, at least 3
}

// shopShape is six services, as small as their resources may be; wideShape has the resources that SDKs detect in a
// cluster.
func shopShape(spans int) shape { return shape{spans, 6, 3} }
func wideShape(spans int) shape { return shape{spans, 4, 12} }

// exports are the bodies that one connection sends.
type exports interface {
	// renew gives the next; it stays valid until the call after.
	renew(now time.Time) []byte
}

// step is one span of every trace: a shop's order with six services.
type step struct {
	service string
	name    string
	kind    tracev1.Span_SpanKind
	parent  int // step that called; the first has none
	from    time.Duration
	to      time.Duration
}

func steps() []step {
	const ms = time.Millisecond
	return []step{
		{"frontend", "POST /orders/{order}/checkout", tracev1.Span_SPAN_KIND_SERVER, -1, 0, 80 * ms},
		{"cart", "CartService/GetCart", tracev1.Span_SPAN_KIND_SERVER, 0, 2 * ms, 20 * ms},
		{"stock", "StockService/Reserve", tracev1.Span_SPAN_KIND_SERVER, 1, 4 * ms, 18 * ms},
		{"stock", "SELECT stock.items", tracev1.Span_SPAN_KIND_CLIENT, 2, 5 * ms, 15 * ms},
		{"payment", "PaymentService/Charge", tracev1.Span_SPAN_KIND_SERVER, 0, 22 * ms, 60 * ms},
		{"shipping", "ShippingService/Quote", tracev1.Span_SPAN_KIND_SERVER, 0, 61 * ms, 70 * ms},
		{"frontend", "render confirmation", tracev1.Span_SPAN_KIND_INTERNAL, 0, 71 * ms, 79 * ms},
		{"mail", "orders process", tracev1.Span_SPAN_KIND_CONSUMER, 0, 72 * ms, 95 * ms},
	}
}

// mark is a place in an encoded request and what to write there.
type mark struct {
	at int
	n  int           // number of the trace or the span
	by time.Duration // from the request's time
}

// request is an encoded ExportTraceServiceRequest whose ids and times are renewed where they lie. One goroutine may
// use it at a time.
type request struct {
	shape  shape
	body   []byte
	seed   uint64
	round  uint64
	traces []mark
	spans  []mark
	times  []mark
}

// newRequest encodes a request.
func newRequest(of shape) (*request, error) {
	d := draft{shape: of, rand: rand.New(rand.NewPCG(1, 1)), base: uint64(rand.New(rand.NewPCG(1, 2)).Int64N(1<<60) + 1<<60)}
	m := d.message()
	body, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	r := &request{shape: of, body: body}
	for n, id := range d.traceIDs {
		r.traces = append(r.traces, find(body, id, mark{n: n})...)
	}
	for n, id := range d.spanIDs {
		r.spans = append(r.spans, find(body, id, mark{n: n})...)
	}
	for by := range d.times {
		r.times = append(r.times, find(body, binary.LittleEndian.AppendUint64(nil, d.base+uint64(by)), mark{by: by})...)
	}
	return r, nil
}

// with gives a request of its own that renews itself to other ids than those of any other seed below 65536.
func (r *request) with(seed uint64) *request {
	other := *r
	other.body, other.seed = slices.Clone(r.body), seed
	return &other
}

// find gives a mark for each place of body where what stands. Ids and times of a draft are random and long enough to
// stand nowhere else.
func find(body, what []byte, m mark) []mark {
	var found []mark
	for at := 0; ; at++ {
		i := bytes.Index(body[at:], what)
		if i < 0 {
			return found
		}
		at += i
		m.at = at
		found = append(found, m)
	}
}

// renew implements exports: ids that were not sent before, and spans that ended just before now.
func (r *request) renew(now time.Time) []byte {
	r.round++
	base := r.seed<<48 ^ r.round*uint64(r.shape.spans)
	for _, m := range r.traces {
		binary.BigEndian.PutUint64(r.body[m.at:], mix(^(base + uint64(m.n))))
		binary.BigEndian.PutUint64(r.body[m.at+8:], mix(base+uint64(m.n)))
	}
	for _, m := range r.spans {
		binary.BigEndian.PutUint64(r.body[m.at:], mix(base+uint64(m.n)))
	}
	start := now.Add(-time.Second)
	for _, m := range r.times {
		binary.LittleEndian.PutUint64(r.body[m.at:], uint64(start.Add(m.by).UnixNano()))
	}
	return r.body
}

// mix scatters numbers one to one, so that ids differ and probabilistic sampling sees random ones. It is the finalizer
// of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// draft is a request in the making.
type draft struct {
	shape    shape
	rand     *rand.Rand
	base     uint64 // the request's time, in nanoseconds
	traceIDs [][]byte
	spanIDs  [][]byte
	times    map[time.Duration]struct{}
}

func (d *draft) message() *collectortracev1.ExportTraceServiceRequest {
	d.times = map[time.Duration]struct{}{}
	m := &collectortracev1.ExportTraceServiceRequest{}
	scopes := map[string]*tracev1.ScopeSpans{} // by service
	for _, s := range steps() {
		switch {
		case scopes[s.service] != nil:
		case len(m.ResourceSpans) < d.shape.resources:
			scopes[s.service] = &tracev1.ScopeSpans{Scope: &commonv1.InstrumentationScope{Name: "shop/" + s.service, Version: "1.4.2"}}
			m.ResourceSpans = append(m.ResourceSpans, &tracev1.ResourceSpans{
				Resource:   &resourcev1.Resource{Attributes: resourceAttributes(s.service)[:d.shape.resourceAttributes]},
				ScopeSpans: []*tracev1.ScopeSpans{scopes[s.service]},
			})
		default:
			scopes[s.service] = m.ResourceSpans[0].ScopeSpans[0]
		}
	}
	for len(d.spanIDs) < d.shape.spans {
		trace, first := d.id(16), len(d.spanIDs)
		d.traceIDs = append(d.traceIDs, trace)
		for _, s := range steps()[:min(spansPerTrace, d.shape.spans-first)] {
			n := len(d.spanIDs)
			d.spanIDs = append(d.spanIDs, d.id(8))
			span := d.span(n, s)
			span.TraceId, span.SpanId = trace, d.spanIDs[n]
			if s.parent >= 0 {
				span.ParentSpanId = d.spanIDs[first+s.parent]
			}
			scopes[s.service].Spans = append(scopes[s.service].Spans, span)
		}
	}
	return m
}

// resourceAttributes are all that a service's resource may have.
func resourceAttributes(service string) []*commonv1.KeyValue {
	return []*commonv1.KeyValue{
		text("service.name", service), text("service.version", "1.4.2"), text("host.name", service+"-7d9c5b6f4-x2x7k"),
		text("service.namespace", "shop"), text("service.instance.id", service+"-7d9c5b6f4-x2x7k"),
		text("deployment.environment.name", "production"), text("cloud.region", "eu-central-1"),
		text("k8s.namespace.name", "shop"), text("k8s.node.name", "worker-12"), text("process.runtime.name", "go"),
		text("telemetry.sdk.language", "go"), text("telemetry.sdk.name", "opentelemetry"),
	}
}

// span makes all of the nth span but its ids: ten attributes, an event in one of five, an error in one of fifty.
func (d *draft) span(n int, s step) *tracev1.Span {
	skew := time.Duration(n/spansPerTrace) * 131 * time.Microsecond // traces of one request differ in time and length
	span := &tracev1.Span{
		Name: s.name, Kind: s.kind, Flags: 1,
		StartTimeUnixNano: d.time(s.from + skew), EndTimeUnixNano: d.time(s.to + 2*skew),
		Attributes: []*commonv1.KeyValue{
			text("http.request.method", "POST"), text("url.path", fmt.Sprintf("/orders/%06d", d.rand.IntN(1e6))),
			text("server.address", s.service+".shop.svc"), number("server.port", 8080),
			text("user.id", fmt.Sprintf("user-%08x", d.rand.Uint32())), text("user_agent.original", "Mozilla/5.0 (Linux; Android 16; Pixel 9) shop/5.12.0 Mobile Safari"),
			text("network.peer.address", fmt.Sprintf("10.0.%d.%d", d.rand.IntN(256), d.rand.IntN(256))),
			text("thread.name", fmt.Sprintf("worker-%02d", d.rand.IntN(100))),
			number("http.response.status_code", 200), text("shop.region", "eu-central-1"),
		},
	}
	if n%5 == 0 {
		span.Events = []*tracev1.Span_Event{{
			TimeUnixNano: d.time(s.from + skew + time.Millisecond), Name: "cache.miss",
			Attributes: []*commonv1.KeyValue{text("cache.key", fmt.Sprintf("order:%06d", d.rand.IntN(1e6)))},
		}}
	}
	if n%50 == 0 {
		span.Status = &tracev1.Status{Code: tracev1.Status_STATUS_CODE_ERROR, Message: "upstream answered 503"}
	}
	return span
}

func (d *draft) time(by time.Duration) uint64 {
	d.times[by] = struct{}{}
	return d.base + uint64(by)
}

func (d *draft) id(size int) []byte {
	id := make([]byte, 0, 16)
	for len(id) < size {
		id = binary.BigEndian.AppendUint64(id, d.rand.Uint64())
	}
	return id
}

func text(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

func number(key string, value int64) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: value}}}
}
