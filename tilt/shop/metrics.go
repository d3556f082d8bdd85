package shop

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// measure makes the instruments that otelhttp does not bring. The conventions give a duration to the client of a database
// and to the consumer of a queue; the one of the database server itself has a name of our own.
func (s *service) measure() error {
	var errs []error
	duration := func(name, of string) metric.Float64Histogram {
		h, err := s.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription("Duration of "+of+"."),
			metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5))
		errs = append(errs, err)
		return h
	}
	s.queried = duration("db.client.operation.duration", "database client operations")
	s.answered = duration("db.server.operation.duration", "statements")
	s.processed = duration("messaging.process.duration", "processing a message")

	cpu, err := s.meter.Float64ObservableGauge("process.cpu.utilization", metric.WithUnit("1"),
		metric.WithDescription("Share of the service's cores in use since the last reading, 0 to 1."))
	errs = append(errs, err)
	depth, err := s.meter.Int64ObservableGauge("messaging.queue.depth", metric.WithUnit("{message}"),
		metric.WithDescription("Messages that wait to be consumed."))
	if err = errors.Join(append(errs, err)...); err != nil {
		return err
	}
	_, err = s.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(cpu, s.pool.utilization(time.Now()))
		if s.consumes != nil {
			q := s.queues[s.consumes.queue]
			o.ObserveInt64(depth, int64(len(q.messages)), metric.WithAttributes(messagingSystem, semconv.MessagingDestinationName(q.name)))
		}
		return nil
	}, cpu, depth)
	return err
}

// record adds the time since start to a histogram of durations in seconds.
func record(ctx context.Context, h metric.Float64Histogram, start time.Time, err error, attrs ...attribute.KeyValue) {
	if err != nil {
		attrs = append(attrs, semconv.ErrorType(err))
	}
	h.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attrs...))
}
