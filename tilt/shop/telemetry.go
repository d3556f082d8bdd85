package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
)

// How often a service sends what it has, and the name under which its own instrumentation does so.
const (
	batchDelay     = time.Second
	metricInterval = 5 * time.Second
	scope          = "github.com/triflow/triflow/tilt/shop"
)

// telemetry is the OpenTelemetry SDK of one service.
type telemetry struct {
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
	logs    *sdklog.LoggerProvider

	tracer     trace.Tracer
	meter      metric.Meter
	propagator propagation.TextMapPropagator
}

// newTelemetry starts the SDK of a service on the given exporters; shutdown must be called. outgoing decides, at each
// outgoing call, whether trace context goes with it.
func newTelemetry(sp spec, d *dice, ex exporters, outgoing func() bool) (*telemetry, error) {
	res, err := resource.New(context.Background(), resource.WithTelemetrySDK(), resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithAttributes(
			semconv.ServiceName(sp.name),
			semconv.ServiceVersion(sp.version),
			semconv.ServiceNamespace("shop"),
			semconv.ServiceInstanceID(fmt.Sprintf("%s-%08x", sp.name, d.below(1<<32))),
			semconv.DeploymentEnvironmentNameKey.String("demo"),
		))
	if err != nil {
		return nil, fmt.Errorf("resource of %s: %w", sp.name, err)
	}
	t := &telemetry{
		traces: sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())),
			sdktrace.WithBatcher(ex.spans, sdktrace.WithBatchTimeout(batchDelay), sdktrace.WithMaxQueueSize(8192))),
		metrics: sdkmetric.NewMeterProvider(sdkmetric.WithResource(res),
			sdkmetric.WithReader(sdkmetric.NewPeriodicReader(ex.metrics, sdkmetric.WithInterval(metricInterval)))),
		logs: sdklog.NewLoggerProvider(sdklog.WithResource(res),
			sdklog.WithProcessor(sdklog.NewBatchProcessor(ex.logs, sdklog.WithExportInterval(batchDelay), sdklog.WithMaxQueueSize(8192)))),
		propagator: leaky{propagation.TraceContext{}, outgoing},
	}
	t.tracer = t.traces.Tracer(scope)
	t.meter = t.metrics.Meter(scope)
	return t, nil
}

// logger returns the logger whose records are exported, with the trace context of the ctx they are logged under.
func (t *telemetry) logger() *slog.Logger {
	return slog.New(otelslog.NewHandler(scope, otelslog.WithLoggerProvider(t.logs)))
}

// shutdown sends what is left and stops the SDK. It waits for both, or until ctx ends.
func (t *telemetry) shutdown(ctx context.Context) error {
	var g errgroup.Group
	var errs [3]error
	for i, stop := range []func(context.Context) error{t.traces.Shutdown, t.metrics.Shutdown, t.logs.Shutdown} {
		g.Go(func() error { errs[i] = stop(ctx); return nil })
	}
	_ = g.Wait() // the errors are in errs
	return errors.Join(errs[:]...)
}

// leaky is a propagator that loses the context of outgoing calls while keep says no.
type leaky struct {
	propagation.TextMapPropagator
	keep func() bool
}

func (l leaky) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if l.keep() {
		l.TextMapPropagator.Inject(ctx, carrier)
	}
}
