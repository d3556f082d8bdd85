package shop

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// queueDepth bounds the messages that wait. A message beyond it is refused: the publisher must not wait for a consumer.
const queueDepth = 1000

// errQueueFull is what a publisher hears when its message is refused.
var errQueueFull = errors.New("queue full")

// messagingSystem names the broker; there is no well-known name for a channel.
var messagingSystem = semconv.MessagingSystemKey.String("inprocess")

// queue is one destination of the in-process broker.
type queue struct {
	name     string
	messages chan message
}

// message is a job under way, with the trace context of who sent it.
type message struct {
	headers propagation.MapCarrier
	job     job
}

func newQueues() map[string]*queue {
	all := map[string]*queue{}
	for _, name := range queues() {
		all[name] = &queue{name, make(chan message, queueDepth)}
	}
	return all
}

// do puts the job on the queue under a producer span, and is done.
func (p publish) do(ctx context.Context, s *service, j job) error {
	ctx, span := s.tracer.Start(ctx, "send "+p.queue, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		append(messageAttributes(p.queue, j), semconv.MessagingOperationTypeSend, semconv.MessagingOperationName("send"))...))
	m := message{headers: propagation.MapCarrier{}, job: j}
	s.propagator.Inject(ctx, m.headers)
	var err error
	select {
	case s.queues[p.queue].messages <- m:
	default:
		err = errQueueFull
		s.log.ErrorContext(ctx, "message refused by "+p.queue+": queue full", "messaging.destination.name", p.queue)
	}
	conclude(span, err)
	return err
}

// consume processes the messages of the service's queue, as many at a time as it has workers, until the queue is closed
// and empty. Jobs end with hard.
func (s *service) consume(hard context.Context) {
	var consumers sync.WaitGroup
	for range s.workers {
		consumers.Go(func() {
			for m := range s.queues[s.consumes.queue].messages {
				s.process(hard, m)
			}
		})
	}
	consumers.Wait()
}

// process does the job of one message under a consumer span: a child of the producer's, in its trace, which by then is
// over for the user.
func (s *service) process(hard context.Context, m message) {
	ctx := s.propagator.Extract(hard, m.headers)
	queue := s.consumes.queue
	start := time.Now()
	ctx, span := s.tracer.Start(ctx, "process "+queue, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(start),
		trace.WithAttributes(append(messageAttributes(queue, m.job), semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"))...))
	err := s.perform(ctx, s.consumes.steps, m.job)
	conclude(span, err)
	record(ctx, s.processed, start, err, messagingSystem, semconv.MessagingDestinationName(queue), semconv.MessagingOperationName("process"))
}

func messageAttributes(queue string, j job) []attribute.KeyValue {
	return []attribute.KeyValue{messagingSystem, semconv.MessagingDestinationName(queue), semconv.MessagingMessageID(j.id)}
}
