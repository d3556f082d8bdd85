package processor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporter is one that does what the test says. What is nil succeeds.
type exporter struct {
	export   func(ctx context.Context, spans []sdktrace.ReadOnlySpan) error
	shutdown func(ctx context.Context) error
}

func (e exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if e.export == nil {
		return nil
	}
	return e.export(ctx, spans)
}

func (e exporter) Shutdown(ctx context.Context) error {
	if e.shutdown == nil {
		return nil
	}
	return e.shutdown(ctx)
}

// hold is an exporter that hangs until it is let go, deaf to its context.
func hold() (e exporter, let func()) {
	gate := make(chan struct{})
	return exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error { <-gate; return nil }}, func() { close(gate) }
}

func untilCancelled(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	<-ctx.Done()
	return ctx.Err()
}

func start(t *testing.T, e sdktrace.SpanExporter, opts ...Option) *Processor {
	t.Helper()
	p, err := New(e, opts...)
	require.NoError(t, err)
	return p
}

func end(p *Processor, spans int) {
	s := aSpan()
	for range spans {
		p.OnEnd(s)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAPanicOfTheExporterIsAnErrorAndTheNextBatchIsExported(t *testing.T) {
	calls := 0
	p := start(t, exporter{
		export: func(context.Context, []sdktrace.ReadOnlySpan) error {
			if calls++; calls == 1 {
				panic("out of cheese")
			}
			return nil
		},
		shutdown: func(context.Context) error { panic("again") },
	})
	end(p, 3)
	require.ErrorContains(t, p.ForceFlush(t.Context()), "export 3 spans: exporter panicked: out of cheese")
	end(p, 2)
	require.NoError(t, p.ForceFlush(t.Context()))
	require.ErrorContains(t, p.Shutdown(t.Context()), "shut down exporter: exporter panicked: again")
	require.Equal(t, Stats{Offered: 5, Exported: 2, Dropped: Dropped{ExportFailed: 3}, Capacity: 2048}, p.Stats())
}

func TestWhileTheExporterHangsSpansEndAtOnceAndTheSurplusIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, let := hold()
		p := start(t, e, WithQueueSize(16), WithBatchSize(4))
		began := time.Now()
		end(p, 4)
		synctest.Wait() // the worker took the batch and hangs
		end(p, 100)
		require.Equal(t, began, time.Now(), "a wait would have moved the clock of the bubble")
		stats := p.Stats()
		require.Equal(t, uint64(84), stats.Dropped.QueueFull)
		require.Equal(t, 16, stats.Queued)
		let()
		require.NoError(t, p.Shutdown(t.Context()))
		require.Equal(t, Stats{Offered: 104, Exported: 20, Dropped: Dropped{QueueFull: 84}, Capacity: 16}, p.Stats())
	})
}

func TestForceFlushReturnsWhenItsContextEndsAndTheExportGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, let := hold()
		p := start(t, e)
		end(p, 1)
		began := time.Now()
		require.ErrorIs(t, p.ForceFlush(within(t, time.Second)), context.DeadlineExceeded, "while it is exported")
		require.ErrorIs(t, p.ForceFlush(within(t, time.Second)), context.DeadlineExceeded, "while the worker is busy")
		require.Equal(t, 2*time.Second, time.Since(began))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.ForceFlush(ended), context.Canceled)
		let()
		require.NoError(t, p.ForceFlush(t.Context()))
		require.Equal(t, uint64(1), p.Stats().Exported)
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, p.ForceFlush(t.Context()), "nothing is left to flush")
	})
}

func TestShutdownCancelsTheExportAndDropsTheRestWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shutdowns := 0
		p := start(t, exporter{export: untilCancelled, shutdown: func(context.Context) error { shutdowns++; return nil }},
			WithQueueSize(8), WithBatchSize(2))
		end(p, 8)
		began := time.Now()
		require.ErrorIs(t, p.Shutdown(within(t, time.Second)), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))

		again := p.Shutdown(t.Context())
		require.ErrorContains(t, again, "drop 6 spans")
		require.Equal(t, again, p.Shutdown(t.Context()))
		require.Equal(t, 1, shutdowns)
		require.Equal(t, Stats{Offered: 8, Dropped: Dropped{ExportFailed: 2, Shutdown: 6}, Capacity: 8}, p.Stats())
	})
}

func TestShutdownDoesNotWaitForAnExporterThatIsDeafToItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, let := hold()
		p := start(t, e, WithQueueSize(4), WithBatchSize(2))
		end(p, 2)
		synctest.Wait()
		require.ErrorIs(t, p.Shutdown(within(t, time.Second)), context.DeadlineExceeded)
		end(p, 3)
		require.Equal(t, uint64(3), p.Stats().Dropped.Shutdown, "it refuses spans although the worker still hangs")
		let()
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

func TestShutdownsAtOnceShutTheExporterDownOnceAndGetTheSameAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken pipe")
		calls := 0
		p := start(t, exporter{shutdown: func(context.Context) error { calls++; return broken }})
		end(p, 3)
		answers := make(chan error, 8)
		for range cap(answers) {
			go func() { answers <- p.Shutdown(t.Context()) }()
		}
		for range cap(answers) {
			require.ErrorIs(t, <-answers, broken)
		}
		require.Equal(t, 1, calls)
		end(p, 2)
		require.Equal(t, Stats{Offered: 5, Exported: 3, Dropped: Dropped{Shutdown: 2}, Capacity: 2048}, p.Stats())
	})
}

func TestAServerThatIsNotThereIsTriedAgainUntilItIs(t *testing.T) {
	for name, gone := range map[string]error{
		"refused": &url.Error{Op: "Post", URL: "http://localhost:4318/v1/traces", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}},
		"reset":   &net.OpError{Op: "read", Err: errors.New("connection reset by peer")},
		"cut":     fmt.Errorf("traces export: %w", io.ErrUnexpectedEOF),
		"closed":  &url.Error{Op: "Post", Err: io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var firsts []int64
				p := start(t, exporter{export: func(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
					for _, a := range spans[0].Attributes() {
						if a.Key == FirstKey {
							firsts = append(firsts, a.Value.AsInt64())
						}
					}
					if len(firsts) < 4 {
						return gone
					}
					return nil
				}})
				end(p, 3)
				began := time.Now()
				require.NoError(t, p.ForceFlush(t.Context()))
				require.Greater(t, time.Since(began), 3*firstWait/10)
				require.Less(t, time.Since(began), 8*firstWait)
				require.Equal(t, []int64{1, 1, 1, 1}, firsts, "the numbers stay, and are given once")
				require.NoError(t, p.Shutdown(t.Context()))
				require.Equal(t, Stats{Offered: 3, Exported: 3, Capacity: 2048}, p.Stats())
			})
		})
	}
}

func TestWhatAServerHasAnsweredIsNotTriedAgain(t *testing.T) {
	calls := 0
	p := start(t, exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error {
		calls++
		return errors.New("failed to send: 400 Bad Request")
	}})
	end(p, 1)
	require.ErrorContains(t, p.ForceFlush(t.Context()), "400")
	require.Equal(t, 1, calls)
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestAServerThatStaysAwayIsGivenUpAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := &net.OpError{Op: "dial", Err: errors.New("refused")}
		p := start(t, exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error { return gone }}, WithExportTimeout(20*time.Second))
		end(p, 1)
		began := time.Now()
		require.ErrorIs(t, p.ForceFlush(t.Context()), gone)
		require.Equal(t, 20*time.Second, time.Since(began))
		end(p, 2)
		began = time.Now()
		require.ErrorIs(t, p.Shutdown(within(t, time.Second)), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		require.ErrorIs(t, p.Shutdown(t.Context()), gone)
		require.Equal(t, Stats{Offered: 3, Dropped: Dropped{ExportFailed: 3}, Capacity: 2048}, p.Stats())
	})
}

func TestASpanWaitsForItsBatchNoLongerThanTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type export struct {
			after time.Duration
			spans int
		}
		began := time.Now()
		exports := make(chan export, 8)
		p := start(t, exporter{export: func(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
			exports <- export{time.Since(began), len(spans)}
			return nil
		}}, WithDelay(5*time.Second), WithBatchSize(3))
		pass := func(d time.Duration) { <-time.After(d); synctest.Wait() }

		pass(time.Second)
		end(p, 2)
		synctest.Wait()
		require.Empty(t, exports, "two of three")
		end(p, 1)
		synctest.Wait()
		require.Equal(t, export{time.Second, 3}, <-exports, "a full batch goes at once")
		end(p, 1)
		pass(4 * time.Second)
		require.Empty(t, exports)
		pass(time.Second)
		require.Equal(t, export{6 * time.Second, 1}, <-exports)
		pass(time.Hour)
		require.Empty(t, exports, "an empty batch does not go")
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

func TestAnExportThatRunsPastItsTimeoutHasFailed(t *testing.T) {
	var handled []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = append(handled, err) }))
	synctest.Test(t, func(t *testing.T) {
		var lasted []time.Duration
		p := start(t, exporter{export: func(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
			began := time.Now()
			defer func() { lasted = append(lasted, time.Since(began)) }()
			return untilCancelled(ctx, spans)
		}}, WithDelay(time.Second), WithExportTimeout(2*time.Second))
		end(p, 1)
		<-time.After(9500 * time.Millisecond) // between two ticks of the delay
		end(p, 2)
		require.ErrorIs(t, p.ForceFlush(t.Context()), context.DeadlineExceeded)
		require.Equal(t, []time.Duration{2 * time.Second, 2 * time.Second}, lasted)
		require.NoError(t, p.Shutdown(t.Context()))
		require.Equal(t, Stats{Offered: 3, Dropped: Dropped{ExportFailed: 3}, Capacity: 2048}, p.Stats())
	})
	require.Len(t, handled, 1, "the caller of ForceFlush got the other")
	require.ErrorIs(t, handled[0], context.DeadlineExceeded)
}
