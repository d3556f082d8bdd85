package processor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// worker is the one consumer of the ring and the one user of the exporter. Its own fields belong to its goroutine.
type worker struct {
	*Processor
	numbers numbers
	batch   []sdktrace.ReadOnlySpan // what is being exported; used again
}

// run exports until Shutdown. ctx ends when the context of Shutdown does.
func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	defer w.cancel()
	timer := time.NewTimer(w.delay)
	defer timer.Stop()
	for {
		w.asleep.Store(true)
		if w.ring.Len() >= w.batchSize {
			w.signal()
		}
		select {
		case <-w.wake:
			w.asleep.Store(false)
			if w.ring.Len() < w.batchSize {
				continue // a signal from before the last export
			}
			handle(w.export(ctx, w.batchSize))
		case <-timer.C:
			w.asleep.Store(false)
			handle(w.export(ctx, w.ring.Len()))
		case answer := <-w.flush:
			w.asleep.Store(false)
			answer <- w.export(ctx, w.ring.Len())
		case shutdown := <-w.stop:
			w.asleep.Store(false)
			w.err = w.end(ctx, shutdown)
			return
		}
		timer.Reset(w.delay)
	}
}

// handle gives an error that has no caller to the SDK's handler.
func handle(err error) {
	if err != nil {
		otel.Handle(err)
	}
}

// export exports the given number of spans, which must be in the ring, in as many batches as it takes. It stops early
// when ctx ends.
func (w *worker) export(ctx context.Context, spans int) (err error) {
	for spans > 0 && ctx.Err() == nil {
		n := min(spans, w.batchSize)
		w.take(w.batch[:n])
		err = errors.Join(err, w.exportBatch(ctx, w.batch[:n]))
		spans -= n
	}
	return err
}

// take fills batch from the ring. It yields to a producer that has claimed the next slot and is yet to write it.
func (w *worker) take(batch []sdktrace.ReadOnlySpan) {
	for n := 0; n < len(batch); {
		taken := w.ring.TakeBatch(batch[n:])
		if taken == 0 {
			runtime.Gosched()
		}
		n += taken
	}
}

// exportBatch numbers the batch, exports it, counts it, and lets go of its spans.
func (w *worker) exportBatch(ctx context.Context, batch []sdktrace.ReadOnlySpan) error {
	defer clear(batch)
	w.numbers.skip(w.counts.queueFull.Load())
	first := w.numbers.take(len(batch))
	batch[0] = number(batch[0], w.numbers.stream, first, len(batch))
	ctx, cancel := context.WithTimeout(ctx, w.exportTimeout)
	defer cancel()
	err := untilReached(ctx, func() error {
		return w.call(func() error { return w.exporter.ExportSpans(ctx, batch) })
	})
	if err != nil {
		w.counts.failed.Add(uint64(len(batch)))
		return fmt.Errorf("export %d spans: %w", len(batch), err)
	}
	w.counts.exported.Add(uint64(len(batch)))
	return nil
}

// end does what Shutdown asks. The ring is closed, so what it holds is all there will be.
func (w *worker) end(ctx, shutdown context.Context) error {
	err := w.export(ctx, w.ring.Len())
	if left := w.ring.Len(); left > 0 {
		w.take(make([]sdktrace.ReadOnlySpan, left))
		w.counts.left.Add(uint64(left))
		err = errors.Join(err, fmt.Errorf("drop %d spans: %w", left, context.Cause(shutdown)))
	}
	if e := w.call(func() error { return w.exporter.Shutdown(shutdown) }); e != nil {
		err = errors.Join(err, fmt.Errorf("shut down exporter: %w", e))
	}
	if w.instrument != nil {
		err = errors.Join(err, w.instrument.Unregister())
	}
	return err
}

// call runs a method of the exporter, whose panic must not reach the application.
func (w *worker) call(method func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("exporter panicked: %v", r)
		}
	}()
	return method()
}
