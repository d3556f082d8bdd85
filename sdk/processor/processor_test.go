package processor

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// receiver adds up what a server would: the spans that came and the numbers that are missing.
type receiver struct {
	next, got, missing int64
	fail               func(call int) bool
	calls              int
}

func (r *receiver) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	r.calls++
	if r.fail != nil && r.fail(r.calls) {
		return errors.New("refused")
	}
	for _, a := range spans[0].Attributes() {
		if a.Key == FirstKey {
			r.missing += a.Value.AsInt64() - r.next
			r.next = a.Value.AsInt64()
		}
	}
	r.next += int64(len(spans))
	r.got += int64(len(spans))
	return nil
}

func (r *receiver) Shutdown(context.Context) error { return nil }

func aSpan() sdktrace.ReadOnlySpan {
	return tracetest.SpanStub{Name: "a", SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
	})}.Snapshot()
}

func TestTheGapsOfTheSequenceAreExactlyTheSpansDropped(t *testing.T) {
	r := &receiver{next: 1, fail: func(call int) bool { return call%3 == 0 }}
	p, err := New(r, WithQueueSize(32), WithBatchSize(8))
	require.NoError(t, err)
	s := aSpan()
	var producers sync.WaitGroup
	for range 8 {
		producers.Go(func() {
			for range 5000 {
				p.OnEnd(s)
			}
		})
	}
	producers.Wait()
	_ = p.ForceFlush(context.Background())
	r.fail = nil // the worker is idle now
	p.OnEnd(s)   // carries the last gap
	require.NoError(t, p.Shutdown(context.Background()))
	require.NoError(t, p.Shutdown(context.Background()))

	stats := p.Stats()
	require.Equal(t, uint64(8*5000+1), stats.Offered)
	require.Equal(t, stats.Offered, stats.Exported+stats.Dropped.Total())
	require.Equal(t, int64(stats.Exported), r.got)
	require.Equal(t, int64(stats.Dropped.Total()), r.missing)

	p.OnEnd(s)
	require.Equal(t, uint64(1), p.Stats().Dropped.Shutdown)
}
