package shop

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// do leaves a client span and nothing else: what the host did with the request nobody will know.
func (o outside) do(ctx context.Context, s *service, _ job) error {
	method, path, _ := strings.Cut(o.pattern, " ")
	ctx, span := s.tracer.Start(ctx, o.pattern, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.HTTPRequestMethodKey.String(method),
		semconv.URLFull("https://"+o.host+path),
		semconv.URLTemplate(path),
		semconv.ServerAddress(o.host),
		semconv.ServerPort(443),
		// Since 1.39 service.peer.name; most backends still look for the old name.
		attribute.String("peer.service", o.host),
		semconv.ServicePeerName(o.host),
	))
	defer span.End()
	if err := pause(ctx, s.dice.latency(o.median)); err != nil {
		span.SetAttributes(semconv.ErrorType(err))
		return err
	}
	span.SetAttributes(semconv.HTTPResponseStatusCode(http.StatusOK))
	return nil
}
