package processor

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The end of a span here and in the SDK's batch processor, both with a queue of 2048 spans, batches of 512 and an exporter
// that only counts. An operation is one span, whether it was dropped or not. "flat" ends spans without a pause, which is
// more than any worker keeps up with, so that it is mostly the price of a refusal; "yield" lets others run after every 64,
// as an application does that waits for its network. The price of that is in both. docs/benchmarks.md has the figures.
func BenchmarkOnEnd(b *testing.B) {
	kinds := []struct {
		name string
		make func(sdktrace.SpanExporter) (sdktrace.SpanProcessor, error)
	}{
		{"triflow", func(e sdktrace.SpanExporter) (sdktrace.SpanProcessor, error) {
			return New(e, WithQueueSize(2048), WithBatchSize(512))
		}},
		{"sdk", func(e sdktrace.SpanExporter) (sdktrace.SpanProcessor, error) {
			return sdktrace.NewBatchSpanProcessor(e, sdktrace.WithMaxQueueSize(2048), sdktrace.WithMaxExportBatchSize(512)), nil
		}},
	}
	for name, pause := range map[string]func(int){
		"flat": func(int) {},
		"yield": func(i int) {
			if i%64 == 0 {
				runtime.Gosched()
			}
		},
	} {
		for _, goroutines := range []int{1, 4, 64} {
			for _, k := range kinds {
				b.Run(fmt.Sprintf("%s/%d/%s", name, goroutines, k.name), func(b *testing.B) {
					var exported atomic.Int64
					p, err := k.make(exporter{export: func(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
						exported.Add(int64(len(spans)))
						return nil
					}})
					if err != nil {
						b.Fatal(err)
					}
					ended := endMany(b, goroutines, p, pause)
					if err := p.Shutdown(context.Background()); err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(100*float64(ended-exported.Load())/float64(ended), "%dropped")
				})
			}
		}
	}
}

// endMany ends b.N spans on so many goroutines, and returns how many that were.
func endMany(b *testing.B, goroutines int, p sdktrace.SpanProcessor, pause func(i int)) (ended int64) {
	b.ReportAllocs()
	s := aSpan()
	var all sync.WaitGroup
	b.ResetTimer()
	for g := range goroutines {
		n := b.N*(g+1)/goroutines - b.N*g/goroutines
		ended += int64(n)
		all.Go(func() {
			for i := range n {
				p.OnEnd(s)
				pause(i)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	return ended
}
