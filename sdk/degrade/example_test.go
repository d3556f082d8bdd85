package degrade_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/triflow/triflow/sdk/degrade"
)

// A flag can be set and cleared while the application runs.
func ExampleExporter_Set() {
	memory := tracetest.NewInMemoryExporter()
	slim, err := degrade.New(memory, degrade.WithKeys("http.request.body"))
	if err != nil {
		fmt.Println(err)
		return
	}
	slim.Set(degrade.Values)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(slim))
	_, span := provider.Tracer("shop").Start(context.Background(), "POST /orders",
		trace.WithAttributes(attribute.String("http.request.body", `{"item":7}`)))
	span.End()
	for _, a := range memory.GetSpans()[0].Attributes {
		fmt.Println(a.Key, a.Value.String())
	}
	_ = provider.Shutdown(context.Background())
	// Output: http.request.body.size 10
}
