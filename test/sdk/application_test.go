package sdk

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/triflow/triflow/sdk/processor"
)

// overEach runs a test with the exporter for OTLP over gRPC and that for HTTP.
func overEach(t *testing.T, test func(t *testing.T, s *triflow, transport string)) {
	s := startTriflow(t)
	for _, transport := range []string{"grpc", "http"} {
		t.Run(transport, func(t *testing.T) { test(t, s, transport) })
	}
}

// exporterTo gives the SDK's own exporter, which tries again soon.
func exporterTo(t *testing.T, s *triflow, transport string) sdktrace.SpanExporter {
	var e sdktrace.SpanExporter
	var err error
	if transport == "grpc" {
		e, err = otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(s.grpc), otlptracegrpc.WithInsecure(),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
				Enabled: true, InitialInterval: 50 * time.Millisecond, MaxInterval: 500 * time.Millisecond, MaxElapsedTime: patience,
			}))
	} else {
		e, err = otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(s.http), otlptracehttp.WithInsecure(),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
				Enabled: true, InitialInterval: 50 * time.Millisecond, MaxInterval: 500 * time.Millisecond, MaxElapsedTime: patience,
			}))
	}
	require.NoError(t, err)
	return e
}

// application is one that uses our processor.
type application struct {
	t       *testing.T
	service string
	spans   *processor.Processor
	*sdktrace.TracerProvider
}

func newApplication(t *testing.T, service string, e sdktrace.SpanExporter, options ...processor.Option) *application {
	spans, err := processor.New(e, append([]processor.Option{processor.WithExportTimeout(patience)}, options...)...)
	require.NoError(t, err)
	as, err := resource.Merge(resource.Default(), resource.NewSchemaless(attribute.String("service.name", service)))
	require.NoError(t, err)
	a := &application{t, service, spans, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithResource(as))}
	t.Cleanup(func() { _ = a.Shutdown(context.WithoutCancel(t.Context())) }) // again, if the test has done it
	return a
}

// work ends traces of two spans, by two libraries.
func (a *application) work(traces int) {
	for range traces {
		ctx, root := a.Tracer("shop").Start(context.Background(), "GET /cart", trace.WithSpanKind(trace.SpanKindServer))
		_, child := a.Tracer("db").Start(ctx, "SELECT items", trace.WithSpanKind(trace.SpanKindClient))
		child.End()
		root.End()
	}
}

// workers do so much together, on so many goroutines.
func (a *application) workers(goroutines, traces int) {
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() { a.work(traces / goroutines) })
	}
	all.Wait()
}

// flush exports what has ended.
func (a *application) flush() {
	a.t.Helper()
	require.NoError(a.t, a.ForceFlush(a.t.Context()))
}

// gate is an exporter that can be held up.
type gate struct {
	sdktrace.SpanExporter
	held  chan struct{} // gets a token when an export has come to it
	letGo chan struct{} // closed to let all pass
}

func (g gate) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	select {
	case g.held <- struct{}{}:
	default:
	}
	<-g.letGo
	return g.SpanExporter.ExportSpans(ctx, spans)
}
