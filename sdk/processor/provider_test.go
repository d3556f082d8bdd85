package processor

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// batches keeps the spans of an exporter apart by export.
type batches struct {
	exporter
	got *[]tracetest.SpanStubs
}

func (b batches) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e := tracetest.NewInMemoryExporter()
	if err := e.ExportSpans(ctx, spans); err != nil {
		return err
	}
	*b.got = append(*b.got, e.GetSpans())
	return nil
}

func TestTheFirstSpanOfEachBatchCarriesTheSequenceAndNoOther(t *testing.T) {
	var got []tracetest.SpanStubs
	p := start(t, batches{got: &got}, WithBatchSize(4))
	beside := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p), sdktrace.WithSpanProcessor(beside),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{AttributeCountLimit: 1, EventCountLimit: 1, LinkCountLimit: 1}))
	tracer := provider.Tracer("shop")
	for i := range 10 {
		_, s := tracer.Start(t.Context(), "span")
		s.SetAttributes(attribute.Int("i", i))
		s.End()
	}
	require.NoError(t, provider.Shutdown(t.Context()))

	stream := got[0][0].Attributes[1].Value.AsString()
	require.Regexp(t, "^[0-9a-f]{16}$", stream)
	next := 0
	for _, batch := range got {
		for i, s := range batch {
			want := []attribute.KeyValue{attribute.Int("i", next+i)}
			if i == 0 {
				want = append(want, StreamKey.String(stream), FirstKey.Int(next+1), CountKey.Int(len(batch)))
			}
			require.Equal(t, want, s.Attributes)
		}
		next += len(batch)
	}
	require.Equal(t, 10, next)
	for i, s := range beside.Ended() {
		require.Equal(t, []attribute.KeyValue{attribute.Int("i", i)}, s.Attributes(), "other processors see the span as it is")
	}
}

func TestEveryProcessorHasAStreamOfItsOwn(t *testing.T) {
	var got []tracetest.SpanStubs
	for range 2 {
		p := start(t, batches{got: &got})
		end(p, 1)
		require.NoError(t, p.Shutdown(t.Context()))
	}
	require.NotEqual(t, got[0][0].Attributes[0].Value, got[1][0].Attributes[0].Value)
	require.Equal(t, got[0][0].Attributes[1:], got[1][0].Attributes[1:], "both begin at 1")
}

func TestSpansThatAreNotSampledHaveNoNumber(t *testing.T) {
	p := start(t, exporter{})
	p.OnEnd(tracetest.SpanStub{Name: "recorded only"}.Snapshot())
	require.NoError(t, p.Shutdown(t.Context()))
	require.Zero(t, p.Stats().Offered)
}

func TestTheMetricsAreTheStatsAndEndWithShutdown(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	fail := false
	p := start(t, exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error {
		if fail {
			return fmt.Errorf("refused")
		}
		return nil
	}}, WithMeterProvider(meters))
	end(p, 3)
	require.NoError(t, p.ForceFlush(t.Context()))
	fail = true
	end(p, 2)
	require.Error(t, p.ForceFlush(t.Context()))
	end(p, 1)
	require.Equal(t, map[string]int64{
		"triflow.processor.spans.offered": 6, "triflow.processor.spans.exported": 3, "triflow.processor.queue.size": 1,
		"triflow.processor.spans.dropped queue_full": 0, "triflow.processor.spans.dropped export_failed": 2,
		"triflow.processor.spans.dropped shutdown": 0,
	}, collect(t, reader))
	fail = false
	require.NoError(t, p.Shutdown(t.Context()))
	require.Empty(t, collect(t, reader))
}

// collect reads all points, by name and reason.
func collect(t *testing.T, reader sdkmetric.Reader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &all))
	got := map[string]int64{}
	points := func(name string, ps []metricdata.DataPoint[int64]) {
		for _, p := range ps {
			key := name
			if reason, ok := p.Attributes.Value("reason"); ok {
				key += " " + reason.AsString()
			}
			got[key] = p.Value
		}
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				points(m.Name, data.DataPoints)
			case metricdata.Gauge[int64]:
				points(m.Name, data.DataPoints)
			}
		}
	}
	return got
}

func TestFaultyOptionsAreAllReported(t *testing.T) {
	_, err := New(nil, WithQueueSize(-1), WithBatchSize(0), WithDelay(0), WithExportTimeout(-1))
	for _, fault := range []string{
		"exporter: nil", "queue size: -1 spans, want 1 to 16777216", "batch size: 0 spans", "delay: 0s, want at least 1ms", "export timeout: -1ns",
	} {
		require.ErrorContains(t, err, fault)
	}
}

func TestOnEndDoesNotAllocate(t *testing.T) {
	s := aSpan()
	e, let := hold()
	free := start(t, exporter{}) // its batch does not fill up, so that the worker, who allocates per batch, sleeps
	held := start(t, e, WithQueueSize(64), WithBatchSize(8))
	require.Zero(t, testing.AllocsPerRun(500, func() { free.OnEnd(s) }), "queued")
	require.Zero(t, testing.AllocsPerRun(500, func() { held.OnEnd(s) }), "queued or refused")
	let()
	require.NoError(t, free.Shutdown(t.Context()))
	require.NoError(t, held.Shutdown(t.Context()))
}
