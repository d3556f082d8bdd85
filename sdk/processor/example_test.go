package processor_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/triflow/triflow/sdk/processor"
)

// The processor takes the place of the SDK's batch processor. The first span of a batch says which numbers it covers.
func ExampleNew() {
	spans, err := processor.New(printer{}, processor.WithQueueSize(4096), processor.WithBatchSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	for _, name := range []string{"browse", "add to cart", "pay"} {
		_, span := provider.Tracer("shop").Start(context.Background(), name)
		span.End()
	}
	if err := provider.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(spans.Stats().Exported, "exported,", spans.Stats().Dropped.Total(), "dropped")
	// Output:
	// browse: first 1, count 2
	// add to cart
	// pay: first 3, count 1
	// 3 exported, 0 dropped
}

type printer struct{}

func (printer) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Print(s.Name())
		for _, a := range s.Attributes() {
			switch a.Key {
			case processor.FirstKey:
				fmt.Print(": first ", a.Value.AsInt64())
			case processor.CountKey:
				fmt.Print(", count ", a.Value.AsInt64())
			}
		}
		fmt.Println()
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }
