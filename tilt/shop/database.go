package shop

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// The wire of the database is HTTP because that is at hand; on both ends the spans are those of a database.
const (
	queryPattern  = "POST /query"
	summaryHeader = "Query-Summary"
	databasePort  = 5432
)

// do sends the statement under a client span with the database conventions.
func (q query) do(ctx context.Context, s *service, _ job) error {
	return s.persist(ctx, q.to, func(ctx context.Context) (err error) {
		attrs := statementAttributes(q.summary)
		start := time.Now()
		ctx, span := s.tracer.Start(ctx, q.summary, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(start),
			trace.WithAttributes(attrs...), trace.WithAttributes(semconv.ServerAddress(q.to), semconv.ServerPort(databasePort)))
		defer func() {
			conclude(span, err)
			record(ctx, s.queried, start, err, attrs...)
		}()

		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+q.to+"/query", nil)
		if err != nil {
			return fmt.Errorf("query to %s: %w", q.to, err)
		}
		req.Header.Set(summaryHeader, q.summary)
		s.propagator.Inject(ctx, propagation.HeaderCarrier(req.Header))
		return roundTrip(s.plain, q.to, req)
	})
}

// answer serves statements, each under a server span with the database conventions.
func (s *service) answer(hard context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		summary := req.Header.Get(summaryHeader)
		steps, known := s.database.statements[summary]
		if !known {
			http.Error(w, "unknown statement", http.StatusBadRequest)
			return
		}
		ctx, cancel := outlive(s.propagator.Extract(req.Context(), propagation.HeaderCarrier(req.Header)), hard)
		defer cancel()
		attrs := append(statementAttributes(summary), semconv.DBNamespace(s.database.namespace))
		start := time.Now()
		ctx, span := s.tracer.Start(ctx, summary, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(start),
			trace.WithAttributes(attrs...), trace.WithAttributes(semconv.ServerAddress(s.name), semconv.ServerPort(databasePort)))
		err := s.perform(ctx, steps, job{id: newOrder(s.dice)})
		conclude(span, err)
		record(ctx, s.answered, start, err, attrs...)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}

func statementAttributes(summary string) []attribute.KeyValue {
	operation, collection, _ := strings.Cut(summary, " ")
	return []attribute.KeyValue{
		semconv.DBSystemNamePostgreSQL,
		semconv.DBQuerySummary(summary),
		semconv.DBOperationName(operation),
		semconv.DBCollectionName(collection),
	}
}

// conclude ends a span with the status that its error asks for.
func conclude(span trace.Span, err error) {
	if err != nil {
		span.SetAttributes(semconv.ErrorType(err))
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}
