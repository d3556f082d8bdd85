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

// newExporters makes exporters that share conn and send.
func newExporters(ctx context.Context, conn *grpc.ClientConn, send sender) (exporters, error) {
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
	return exporters{spanExporter{spans, send}, metricExporter{metrics, send}, logExporter{logs, send}}, nil
}

// sender runs exports for all exporters of the shop.
type sender func(ctx context.Context, export func(context.Context) error) error

// newSender returns a sender whose exports end with end, however the SDK retries them: an SDK that is shut down waits for
// the export under way. It logs when telemetry stops or starts to arrive, and keeps the errors from the SDK's process-wide
// handler, which would print each of a dozen services' every second.
func newSender(end context.Context, log *slog.Logger, endpoint string) sender {
	var mu sync.Mutex // guards lost
	lost := false
	return func(ctx context.Context, export func(context.Context) error) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(end, cancel)()
		err := export(ctx)

		mu.Lock()
		changed := lost != (err != nil)
		lost = err != nil
		mu.Unlock()
		switch {
		case changed && err != nil:
			log.Warn("telemetry is not accepted, the shop goes on without", "server.address", endpoint, "error", err)
		case changed:
			log.Info("telemetry is accepted", "server.address", endpoint)
		}
		return nil
	}
}

type spanExporter struct {
	sdktrace.SpanExporter
	send sender
}

func (e spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	return e.send(ctx, func(ctx context.Context) error { return e.SpanExporter.ExportSpans(ctx, spans) })
}

type metricExporter struct {
	sdkmetric.Exporter
	send sender
}

func (e metricExporter) Export(ctx context.Context, rm *metricdata.ResourceMetrics) error {
	return e.send(ctx, func(ctx context.Context) error { return e.Exporter.Export(ctx, rm) })
}

type logExporter struct {
	sdklog.Exporter
	send sender
}

func (e logExporter) Export(ctx context.Context, records []sdklog.Record) error {
	return e.send(ctx, func(ctx context.Context) error { return e.Exporter.Export(ctx, records) })
}
