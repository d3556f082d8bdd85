package sampler_test

import (
	"context"
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/triflow/triflow/sdk/processor"
	"github.com/triflow/triflow/sdk/sampler"
)

// Wrap the sampler in ParentBased: it decides about the first span of a trace, and every service that the trace reaches
// follows the decision and passes its threshold on.
func ExampleConsistent() {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sampler.Consistent(0.1))),
		sdktrace.WithIDGenerator(fixed{}), // only for the sake of the example
	)
	defer func() { _ = provider.Shutdown(context.Background()) }()

	_, span := provider.Tracer("shop").Start(context.Background(), "GET /cart/{id}")
	defer span.End()
	fmt.Println(span.SpanContext().IsSampled(), span.SpanContext().TraceState())
	// Output: true ot=th:e666
}

// The sampler reads the pressure of the processor that exports what it keeps.
func ExampleNewAdaptive() {
	spans, err := processor.New(tracetest.NewNoopExporter())
	if err != nil {
		fmt.Println(err)
		return
	}
	adaptive, err := sampler.NewAdaptive(0.5, 0.01, time.Second, spans.Pressure)
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(adaptive)),
		sdktrace.WithSpanProcessor(spans),
		sdktrace.WithIDGenerator(fixed{}), // only for the sake of the example
	)
	defer func() { _ = provider.Shutdown(context.Background()) }()

	_, span := provider.Tracer("shop").Start(context.Background(), "GET /cart/{id}")
	defer span.End()
	fmt.Println(span.SpanContext().IsSampled(), span.SpanContext().TraceState())
	// Output: true ot=th:8
}

type fixed struct{}

func (fixed) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return trace.TraceID{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xf0, 0x29, 0x9d, 0x0e, 0x0e, 0x47, 0x36}, trace.SpanID{1}
}

func (fixed) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return trace.SpanID{2} }
