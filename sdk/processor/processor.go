package processor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/triflow/triflow/sdk/ring"
)

// Processor is a trace.SpanProcessor. Create it with New and end it with Shutdown, or leave both to the TracerProvider it
// is registered with. Many goroutines may use it.
type Processor struct {
	options
	exporter sdktrace.SpanExporter // used by the worker only
	ring     *ring.Ring[sdktrace.ReadOnlySpan]

	asleep atomic.Bool          // the worker waits, and whoever fills a batch must wake it
	wake   chan struct{}        // room for one
	flush  chan chan<- error    // ForceFlush asks; the answer has room for one
	stop   chan context.Context // Shutdown asks, once, with its context
	cancel context.CancelFunc   // cancels the export under way, and all later ones
	done   chan struct{}        // closed when the worker has ended

	once       sync.Once
	err        error // the answer of Shutdown; written before done is closed
	instrument metric.Registration

	counts counts
}

var _ sdktrace.SpanProcessor = (*Processor)(nil)

// New returns a processor that exports to the given exporter, and starts its worker. It reports every option that is out
// of range. The exporter is the processor's from now on: it calls one method at a time, and Shutdown at the end.
func New(exporter sdktrace.SpanExporter, opts ...Option) (*Processor, error) {
	o := newOptions(opts)
	err := o.validate()
	if exporter == nil {
		err = errors.Join(errors.New("exporter: nil, want one"), err)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Processor{
		options:  o,
		exporter: exporter,
		ring:     ring.New[sdktrace.ReadOnlySpan](o.queueSize),
		wake:     make(chan struct{}, 1),
		flush:    make(chan chan<- error),
		stop:     make(chan context.Context, 1),
		cancel:   cancel,
		done:     make(chan struct{}),
	}
	if p.instrument, err = p.observe(); err != nil {
		cancel()
		return nil, err
	}
	w := worker{Processor: p, numbers: numbers{stream: newStream(), next: 1}, batch: make([]sdktrace.ReadOnlySpan, o.batchSize)}
	go w.run(ctx)
	return p, nil
}

// newStream draws the name of a stream.
func newStream() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// OnStart does nothing.
func (*Processor) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd queues the span for export, or counts it as dropped. It ignores spans that are not sampled. It does not wait.
func (p *Processor) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if !p.ring.Offer(s) {
		p.refused()
		return
	}
	// The worker looks at the ring after it has said that it sleeps, and here it is the other way round: one of the two
	// sees the other.
	if p.asleep.Load() && p.ring.Len() >= p.batchSize && p.asleep.CompareAndSwap(true, false) {
		p.signal()
	}
}

func (p *Processor) refused() {
	if p.ring.Closed() {
		p.counts.late.Add(1)
		return
	}
	p.counts.queueFull.Add(1)
}

// signal wakes the worker, or leaves the signal that is there already.
func (p *Processor) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// ForceFlush waits until all spans that ended before are exported, and returns the errors of these exports. If ctx ends
// first it returns the error of that, and the exports go on. After Shutdown it does nothing.
func (p *Processor) ForceFlush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	answer := make(chan error, 1)
	select {
	case p.flush <- answer:
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown exports all spans that ended before, shuts the exporter down and waits for both. It returns their errors. When
// ctx ends first, what is not exported is dropped and counted, and it returns the error of ctx. Later calls wait too and
// return the same; only the context of the first cuts the work short.
func (p *Processor) Shutdown(ctx context.Context) error {
	p.once.Do(func() {
		p.ring.Close()
		p.stop <- ctx
		context.AfterFunc(ctx, p.cancel)
	})
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
