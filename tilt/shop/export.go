package shop

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

// Retry of a refused export: soon, so that a receiver that comes back is found quickly, and not for long, since the SDK
// drops new telemetry once its queue is full of old.
const (
	exportTimeout = 10 * time.Second
	retryFirst    = 500 * time.Millisecond
	retryMax      = 2 * time.Second
)

// dial opens the one connection that all services share. It does not wait for the endpoint, and it looks for one that is
// away every two seconds, where gRPC's own back-off would grow to two minutes.
func dial(endpoint string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+endpoint,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: retryFirst, Multiplier: 1.6, Jitter: 0.2, MaxDelay: retryMax},
			MinConnectTimeout: retryMax,
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", endpoint, err)
	}
	return conn, nil
}

// exporters are the three ways out of one service.
type exporters struct {
	spans   sdktrace.SpanExporter
	metrics sdkmetric.Exporter
	logs    sdklog.Exporter
}

// newExporters makes exporters that share conn and report to r.
func newExporters(ctx context.Context, conn *grpc.ClientConn, r *reach) (exporters, error) {
	spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithGRPCConn(conn), otlptracegrpc.WithTimeout(exportTimeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMax, MaxElapsedTime: exportTimeout}))
	if err != nil {
		return exporters{}, fmt.Errorf("trace exporter: %w", err)
	}
	metrics, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithGRPCConn(conn), otlpmetricgrpc.WithTimeout(exportTimeout),
		otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMax, MaxElapsedTime: exportTimeout}))
	if err != nil {
		return exporters{}, fmt.Errorf("metric exporter: %w", err)
	}
	logs, err := otlploggrpc.New(ctx, otlploggrpc.WithGRPCConn(conn), otlploggrpc.WithTimeout(exportTimeout),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMax, MaxElapsedTime: exportTimeout}))
	if err != nil {
		return exporters{}, fmt.Errorf("log exporter: %w", err)
	}
	return exporters{spanExporter{spans, r}, metricExporter{metrics, r}, logExporter{logs, r}}, nil
}

// reach knows whether telemetry arrives, and logs when that changes. It keeps export errors from the SDK's process-wide
// error handler, which would print each of a dozen services' every second.
type reach struct {
	log      *slog.Logger
	endpoint string

	mu   sync.Mutex // guards lost
	lost bool
}

func (r *reach) report(err error) error {
	r.mu.Lock()
	changed := r.lost != (err != nil)
	r.lost = err != nil
	r.mu.Unlock()
	switch {
	case changed && err != nil:
		r.log.Warn("telemetry is not accepted, the shop goes on without", "server.address", r.endpoint, "error", err)
	case changed:
		r.log.Info("telemetry is accepted", "server.address", r.endpoint)
	}
	return nil
}

type spanExporter struct {
	sdktrace.SpanExporter
	reach *reach
}

func (e spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	return e.reach.report(e.SpanExporter.ExportSpans(ctx, spans))
}

type metricExporter struct {
	sdkmetric.Exporter
	reach *reach
}

func (e metricExporter) Export(ctx context.Context, rm *metricdata.ResourceMetrics) error {
	return e.reach.report(e.Exporter.Export(ctx, rm))
}

type logExporter struct {
	sdklog.Exporter
	reach *reach
}

func (e logExporter) Export(ctx context.Context, records []sdklog.Record) error {
	return e.reach.report(e.Exporter.Export(ctx, records))
}
