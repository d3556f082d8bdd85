package pipeline_test

import (
	"fmt"
	"testing"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// BenchmarkRun has 500 spans with 10 attributes each in a request; of the selective stages one span in 10 is taken.
func BenchmarkRun(b *testing.B) {
	const spans = 500
	var items []item
	for i := range spans {
		it := item{Name: "GET /cart"}
		for a := range 9 {
			it.Attributes = append(it.Attributes, pair(fmt.Sprintf("http.attribute.%d", a), text(fmt.Sprintf("value of attribute %d in span %d", a, i))))
		}
		it.Attributes = append(it.Attributes, pair("http.status_code", number(int64(200+i%10))))
		items = append(items, it)
	}
	payload := encode(b, message(otlp.SignalTraces, []*commonv1.KeyValue{pair("service.name", text("cart"))}, items...))
	for name, text := range map[string]string{
		"none":      "",
		"filter":    `{filter: {drop: 'attributes["http.status_code"] == 203'}}`,
		"route":     `{route: {when: 'attributes["http.status_code"] == 203', to: [backend]}}`,
		"transform": `{transform: {set: {env: '"prod"'}}}`,
		"maskKeys":  `{mask: {keys: ["*.password", "http.request.header.authorization", "*.secret", "*.attribute.3", "card"]}}`,
		"mask5":     `{mask: {patterns: ['\b\d{16}\b', '(?i)bearer \S+', '[\w.]+@[\w.]+\.\w+', '\b\d{3}-\d{2}-\d{4}\b', 'AKIA[0-9A-Z]{16}']}}`,
	} {
		b.Run(name, func(b *testing.B) {
			config := ""
			if text != "" {
				config = stages(otlp.SignalTraces, text)
			}
			set := load(b, config, "backend")
			in := pipeline.Input{Signal: otlp.SignalTraces, Payload: payload, Items: spans, Tenant: "acme"}
			out := &pipeline.Output{}
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				if err := set.Run(in, out); err != nil || out.Overrun > 0 || out.Dropped[pipeline.Budget] > 0 {
					b.Fatal(err, out)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
		})
	}
}

// BenchmarkAggregate has 500 items in a request, of which 10 become one, or none do.
func BenchmarkAggregate(b *testing.B) {
	const items = 500
	series := func(pods int) *metricsv1.MetricsData {
		m := &metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{}}}}}
		scope := m.ResourceMetrics[0].ScopeMetrics[0]
		sum, buckets := &metricsv1.Sum{AggregationTemporality: inTotals, IsMonotonic: true}, &metricsv1.Histogram{AggregationTemporality: inTotals}
		for i := range items / 2 {
			of := []*commonv1.KeyValue{pair("pod", text(fmt.Sprint("pod-", i%pods))), pair("route", text(fmt.Sprint("/route/", i/pods))), pair("method", text("GET"))}
			sum.DataPoints = append(sum.DataPoints, &metricsv1.NumberDataPoint{
				StartTimeUnixNano: 1, TimeUnixNano: 9, Attributes: of, Value: &metricsv1.NumberDataPoint_AsInt{AsInt: int64(i)},
			})
			buckets.DataPoints = append(buckets.DataPoints, &metricsv1.HistogramDataPoint{
				StartTimeUnixNano: 1, TimeUnixNano: 9, Attributes: of, Count: 10, ExplicitBounds: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500},
				BucketCounts: []uint64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
			})
		}
		scope.Metrics = []*metricsv1.Metric{{Name: "requests", Data: &metricsv1.Metric_Sum{Sum: sum}}, {Name: "latency", Data: &metricsv1.Metric_Histogram{Histogram: buckets}}}
		return m
	}
	lines := func(alike int) *logsv1.LogsData {
		var all []*logsv1.LogRecord
		for i := range items {
			all = append(all, said(fmt.Sprintf("connection %d to the database was refused", i/alike), uint64(i), pair("peer", text("db-1"))))
		}
		return logged(all...)
	}
	for name, c := range map[string]struct {
		signal  otlp.Signal
		stage   string
		message proto.Message
	}{
		"points10": {otlp.SignalMetrics, `{aggregate: {drop: [pod]}}`, series(10)},
		"points1":  {otlp.SignalMetrics, `{aggregate: {drop: [pod]}}`, series(1)},
		"logs10":   {otlp.SignalLogs, `{aggregate: {}}`, lines(10)},
		"logs1":    {otlp.SignalLogs, `{aggregate: {}}`, lines(1)},
		"logsBy10": {otlp.SignalLogs, `{aggregate: {by: 'item.body'}}`, lines(10)},
	} {
		b.Run(name, func(b *testing.B) {
			set, payload := load(b, stages(c.signal, c.stage)), encode(b, c.message)
			in := pipeline.Input{Signal: c.signal, Payload: payload, Items: items, Tenant: "acme", To: pipeline.Service}
			out := &pipeline.Output{}
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				if err := set.Run(in, out); err != nil || out.Overrun > 0 {
					b.Fatal(err, out)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/items, "ns/item")
		})
	}
}
