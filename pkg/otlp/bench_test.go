package otlp_test

import (
	"encoding/binary"
	"fmt"
	"testing"

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

// load is a request of spans as large as they are in the field: about 470 bytes, ten attributes, an event in one of
// five, an error in one of fifty, from four resources of twelve attributes.
func load(t testing.TB, spans int) []byte {
	m := &collectorv1.ExportTraceServiceRequest{}
	for i := range 4 {
		m.ResourceSpans = append(m.ResourceSpans, &tracev1.ResourceSpans{Resource: shop(i), ScopeSpans: []*tracev1.ScopeSpans{{Scope: httpScope()}}})
	}
	for i := range spans {
		group := m.ResourceSpans[i%4].ScopeSpans[0]
		group.Spans = append(group.Spans, typical(uint64(i)))
	}
	return encode(t, m)
}

func shop(i int) *resourcev1.Resource {
	return &resourcev1.Resource{Attributes: []*commonv1.KeyValue{
		text("service.name", fmt.Sprintf("shop-%d", i)), text("service.version", "1.4.2"), text("service.namespace", "shop"),
		text("telemetry.sdk.language", "go"), text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.version", "1.47.0"),
		text("host.name", "ip-10-0-3-17"), text("os.type", "linux"), integer("process.pid", 4711),
		text("process.runtime.version", "go1.26.8"), text("k8s.pod.name", "shop-7d9c5b6f4-x2x7k"), text("k8s.namespace.name", "prod"),
	}}
}

func httpScope() *commonv1.InstrumentationScope {
	return &commonv1.InstrumentationScope{Name: "net/http", Version: "0.72.0"}
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

// logLoad and metricLoad are requests of log records and of data points, as large as they are in the field, from the
// resources of load.
func logLoad(t testing.TB, records int) []byte {
	m := &collectorlogsv1.ExportLogsServiceRequest{}
	for i := range 4 {
		m.ResourceLogs = append(m.ResourceLogs, &logsv1.ResourceLogs{Resource: shop(i), ScopeLogs: []*logsv1.ScopeLogs{{Scope: httpScope()}}})
	}
	for i := range uint64(records) {
		group, s := m.ResourceLogs[i%4].ScopeLogs[0], typical(i)
		group.LogRecords = append(group.LogRecords, &logsv1.LogRecord{
			TimeUnixNano: s.StartTimeUnixNano, ObservedTimeUnixNano: s.EndTimeUnixNano, SeverityNumber: 9, SeverityText: "INFO", Flags: 1,
			Body:    text("", fmt.Sprintf("order %06d of user-%08x is paid, 3 items leave the store in Frankfurt today", i, i*2654435761)).Value,
			TraceId: s.TraceId, SpanId: s.SpanId, Attributes: s.Attributes[:4],
		})
	}
	return encode(t, m)
}

// metricLoad has a hundred points a metric: a sum and a histogram in turn.
func metricLoad(t testing.TB, points int) []byte {
	m := &collectormetricsv1.ExportMetricsServiceRequest{}
	for i := range 4 {
		m.ResourceMetrics = append(m.ResourceMetrics, &metricsv1.ResourceMetrics{Resource: shop(i), ScopeMetrics: []*metricsv1.ScopeMetrics{{Scope: httpScope()}}})
	}
	for from := 0; from < points; from += 100 {
		sum, wait := &metricsv1.Sum{AggregationTemporality: 2, IsMonotonic: true}, &metricsv1.Histogram{AggregationTemporality: 2}
		for i := from; i < min(from+100, points); i++ {
			s := typical(uint64(i))
			if from/100%2 == 0 {
				sum.DataPoints = append(sum.DataPoints, &metricsv1.NumberDataPoint{
					StartTimeUnixNano: s.StartTimeUnixNano, TimeUnixNano: s.EndTimeUnixNano, Value: &metricsv1.NumberDataPoint_AsInt{AsInt: int64(i)}, Attributes: s.Attributes[:4],
				})
				continue
			}
			wait.DataPoints = append(wait.DataPoints, &metricsv1.HistogramDataPoint{
				StartTimeUnixNano: s.StartTimeUnixNano, TimeUnixNano: s.EndTimeUnixNano, Count: 28, Sum: proto.Float64(3.5),
				BucketCounts: []uint64{1, 2, 3, 4, 5, 6, 7}, ExplicitBounds: []float64{0.005, 0.01, 0.05, 0.1, 0.5, 1}, Attributes: s.Attributes[:4],
			})
		}
		group := m.ResourceMetrics[from/100%4].ScopeMetrics[0]
		if len(sum.DataPoints) > 0 {
			group.Metrics = append(group.Metrics, &metricsv1.Metric{Name: "shop.orders", Unit: "{order}", Data: &metricsv1.Metric_Sum{Sum: sum}})
		} else {
			group.Metrics = append(group.Metrics, &metricsv1.Metric{Name: "http.server.request.duration", Unit: "s", Data: &metricsv1.Metric_Histogram{Histogram: wait}})
		}
	}
	return encode(t, m)
}

// BenchmarkRequest is what is done at the door.
func BenchmarkRequest(b *testing.B) {
	var r otlp.Request
	perItem(b, func(s otlp.Signal, body []byte) error {
		err := r.Scan(s, body, nil)
		r.Sources()
		return err
	})
}

// BenchmarkView is what is done behind it, by level.
func BenchmarkView(b *testing.B) {
	var traces otlp.Traces
	var logs otlp.Logs
	var metrics otlp.Metrics
	for level, name := range []string{"framing", "fields", "all"} {
		level := otlp.Level(level)
		b.Run(name, func(b *testing.B) {
			perItem(b, func(s otlp.Signal, body []byte) error {
				switch s {
				case otlp.SignalLogs:
					return logs.Scan(body, level)
				case otlp.SignalMetrics:
					return metrics.Scan(body, level)
				}
				return traces.Scan(body, level)
			})
		})
	}
}

func BenchmarkJoin(b *testing.B) {
	perItem(b, func(s otlp.Signal, body []byte) error {
		_, err := otlp.Join(s, body, body)
		return err
	})
}

// BenchmarkSplit cuts requests into eight parts.
func BenchmarkSplit(b *testing.B) {
	perItem(b, func(s otlp.Signal, body []byte) error {
		_, err := otlp.Split(s, body, otlp.Bounds{Bytes: len(body)/8 + 4096})
		return err
	})
}

// BenchmarkProtobuf is what the generated code of the protocol takes to read the same.
func BenchmarkProtobuf(b *testing.B) {
	perItem(b, func(s otlp.Signal, body []byte) error { return proto.Unmarshal(body, message(s)) })
}

// perItem does something with requests of each signal, small and large.
func perItem(b *testing.B, do func(otlp.Signal, []byte) error) {
	for s, load := range []func(testing.TB, int) []byte{load, logLoad, metricLoad} {
		for _, items := range []int{50, 512, 8192} {
			b.Run(fmt.Sprintf("%s/%d", otlp.Signal(s), items), func(b *testing.B) {
				body := load(b, items)
				b.ReportAllocs()
				for b.Loop() {
					if err := do(otlp.Signal(s), body); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(items), "ns/item")
				b.ReportMetric(float64(len(body))/float64(items), "B/item")
			})
		}
	}
}
