package sdk_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/triflow/triflow/sdk/degrade"
	"github.com/triflow/triflow/sdk/processor"
	"github.com/triflow/triflow/sdk/sampler"
)

// All parts together. In an application the exporter is that for OTLP:
//
//	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint("localhost:4317"), otlptracegrpc.WithInsecure())
func Example() {
	exporter := tracetest.NewInMemoryExporter()

	slim, err := degrade.New(keep{exporter}, degrade.WithKeys("http.request.body"))
	if err != nil {
		fmt.Println(err)
		return
	}
	spans, err := processor.New(slim, processor.WithQueueSize(4096))
	if err != nil {
		fmt.Println(err)
		return
	}
	slim.Follow(spans.Pressure, time.Second)                                   // say less while the queue is nearly full or spans are lost
	adaptive, err := sampler.NewAdaptive(1, 0.01, time.Second, spans.Pressure) // and keep fewer traces
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(adaptive)),
		sdktrace.WithSpanProcessor(spans),
	)

	slim.Set(degrade.Values) // as if someone had switched it on
	_, span := provider.Tracer("shop").Start(context.Background(), "POST /orders",
		trace.WithAttributes(attribute.String("http.request.body", `{"item": 7}`)))
	span.End()

	// Give Shutdown a deadline: it exports what is left, and a server may be away.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := provider.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	stats := spans.Stats()
	fmt.Println(stats.Exported, "exported,", stats.Dropped.Total(), "dropped")
	for _, a := range exporter.GetSpans()[0].Attributes[:1] {
		fmt.Println(a.Key, a.Value.AsInt64())
	}
	// Output:
	// 1 exported, 0 dropped
	// http.request.body.size 11
}

// keep is an exporter whose spans can be read after its end.
type keep struct{ *tracetest.InMemoryExporter }

func (keep) Shutdown(context.Context) error { return nil }
