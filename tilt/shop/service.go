package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// callTimeout is how long a service waits for an answer.
const callTimeout = 5 * time.Second

// errAbsent says that what was asked for does not exist.
var errAbsent = errors.New("no such product")

// service is one running service of the shop.
type service struct {
	spec
	*telemetry
	log    *slog.Logger // its own, exported one
	pool   *pool
	dice   *dice
	faults *switchboard
	queues map[string]*queue

	instrumented *http.Client // its calls to other services
	plain        *http.Client // transport of queries, which bring instrumentation of their own

	queried   metric.Float64Histogram // of the statements it sends
	answered  metric.Float64Histogram // of the statements it answers
	processed metric.Float64Histogram // of the messages it consumes
}

// neighbourhood is what all services of a shop share.
type neighbourhood struct {
	seed   uint64
	net    *network
	faults *switchboard
	queues map[string]*queue
}

// newService starts the telemetry of a service, which must be shut down.
func newService(sp spec, n neighbourhood, ex exporters) (*service, error) {
	s := &service{
		spec: sp, dice: newDice(n.seed, sp.name), pool: newPool(sp.workers, sp.idle, time.Now()),
		faults: n.faults, queues: n.queues,
	}
	var err error
	s.telemetry, err = newTelemetry(sp, s.dice, ex, func() bool { return !n.faults.hits(LostContext, sp.name) })
	if err != nil {
		return nil, err
	}
	s.log = s.logger()
	s.plain = &http.Client{Transport: n.net}
	s.instrumented = &http.Client{Transport: otelhttp.NewTransport(templated{n.net},
		append(s.instrumentation(), otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return patternOf(r.Context()) }))...)}
	if err := s.measure(); err != nil {
		return nil, fmt.Errorf("instruments of %s: %w", sp.name, err)
	}
	return s, nil
}

// instrumentation keeps otelhttp away from the process-wide providers.
func (s *service) instrumentation() []otelhttp.Option {
	return []otelhttp.Option{
		otelhttp.WithTracerProvider(s.traces), otelhttp.WithMeterProvider(s.metrics), otelhttp.WithPropagators(s.propagator),
	}
}

// perform does the steps of a job, unless the service refuses it because it is failing.
func (s *service) perform(ctx context.Context, steps []step, j job) error {
	if s.faults.hits(FailingService, s.name) && s.dice.chance(failingShare) {
		return s.fail(ctx, j)
	}
	for _, st := range steps {
		if err := st.do(ctx, s, j); err != nil {
			return err
		}
	}
	return nil
}

// compute holds a worker for a drawn time. A slow disk holds none: the core is free while it waits.
func (s *service) compute(ctx context.Context, median time.Duration) error {
	if s.faults.hits(SlowLeaf, s.name) {
		if err := pause(ctx, s.dice.latency(slowBy)); err != nil {
			return err
		}
	}
	return s.pool.hold(ctx, s.dice.latency(median))
}

// internalError is what a failing service finds in itself.
type internalError struct{ id string }

func (e *internalError) Error() string {
	return fmt.Sprintf("ledger entry %s: checksum mismatch", e.id)
}

// fail breaks the job off as a defect in the service itself would: with an exception on the span and an error in the log.
func (s *service) fail(ctx context.Context, j job) error {
	err := &internalError{j.id}
	span := trace.SpanFromContext(ctx)
	span.RecordError(err, trace.WithStackTrace(true))
	span.SetStatus(codes.Error, err.Error())
	s.log.ErrorContext(ctx, "request aborted, "+err.Error(), "exception.message", err.Error(), "exception.type", "shop.internalError")
	return err
}

// persist tries a call to another service: once with patience, or, in a retry storm, first several times with far too
// little of it.
func (s *service) persist(ctx context.Context, to string, try func(context.Context) error) error {
	if s.faults.hits(RetryStorm, s.name) {
		for range hastyTries {
			err := within(ctx, hastyTimeout, try)
			if err == nil || ctx.Err() != nil {
				return err
			}
			s.log.WarnContext(ctx, "no answer from "+to+" after "+hastyTimeout.String()+", trying again", "service.peer.name", to)
		}
	}
	return within(ctx, callTimeout, try)
}

func within(ctx context.Context, d time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return try(ctx)
}
