package pipeline_test

import (
	"fmt"
	"testing"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"

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
