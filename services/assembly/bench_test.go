package assembly

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/otlp"
)

const (
	benchSpans  = 512
	benchTraces = benchSpans / 8
)

// load is a request of 512 spans of about 470 B in traces of 8, whose trace ids can be changed where they lie.
type load struct {
	payload []byte
	ids     []int // offsets of trace ids
	trace   []int // number of the trace in the request, for each
}

func newLoad(tb testing.TB) *load {
	services := []string{"front", "cart", "stock", "pay"}
	spans := make(map[string][]*tracev1.Span)
	for t := range benchTraces {
		for i := range 8 {
			kind, service := calling, services[i/2]
			if i%2 == 0 {
				kind = serving
			}
			s := span(uint64(t+1), uint64(t*8+i+1), uint64(t*8+i), fmt.Sprintf("operation %d of the service", i), kind, i, 100-i)
			if i == 0 {
				s.ParentSpanId = nil
			}
			for a := range 10 {
				s.Attributes = append(s.Attributes, text(fmt.Sprintf("attribute.key.%d", a), fmt.Sprintf("value %d of %d", a, t)))
			}
			spans[service] = append(spans[service], s)
		}
	}
	var all []*tracev1.ResourceSpans
	for _, service := range services {
		all = append(all, from(service, spans[service]...))
	}
	l := &load{payload: payload(tb, all...)}
	var v otlp.Traces
	require.NoError(tb, v.Scan(l.payload, otlp.LevelFraming))
	for i := range v.Spans {
		raw := v.BytesOf(v.Spans[i].Raw)
		require.Equal(tb, byte(0x0a), raw[0], "the trace id comes first")
		l.ids = append(l.ids, int(v.Spans[i].Raw.Off)+2)
		l.trace = append(l.trace, int(binary.BigEndian.Uint64(v.Spans[i].Trace[8:]))-1)
	}
	return l
}

// next gives the request with trace ids that have not been used.
func (l *load) next(round int) []byte {
	p := append([]byte(nil), l.payload...)
	for i, at := range l.ids {
		binary.BigEndian.PutUint64(p[at+8:], uint64(round*benchTraces+l.trace[i]+1)*0x9e3779b97f4a7c15)
	}
	return p
}

// BenchmarkPush takes requests in; what settles them is not measured.
func BenchmarkPush(b *testing.B) {
	bench, l := newBench(b, func(c *Config) { c.MaxPendingBytes = 1 << 33 }), newLoad(b)
	bench.voter.drop = func(*samplingv1.TraceFacts) bool { return true }
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		b.StopTimer()
		batch := handoff.Batch{
			Sender: "a", Position: uint64(i + 1), Items: benchSpans, Signal: handoffv1.Signal_SIGNAL_TRACES,
			Payload: l.next(i), Done: func() {},
		}
		if i%64 == 63 {
			bench.clock.advance(3 * time.Second)
			require.NoError(b, bench.settle(context.Background()))
			clear(bench.voter.decisions)
			clear(bench.voter.facts)
		}
		b.StartTimer()
		require.NoError(b, bench.Push(context.Background(), batch))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSpans, "ns/span")
	bench.close()
}

// BenchmarkSettle closes, decides and commits requests that have been taken in; sampling costs next to nothing.
func BenchmarkSettle(b *testing.B) {
	for name, drop := range map[string]bool{"kept": false, "dropped": true} {
		b.Run(name, func(b *testing.B) {
			bench, l := newBench(b, func(c *Config) { c.MaxPendingBytes = 1 << 33 }), newLoad(b)
			bench.voter.drop = func(*samplingv1.TraceFacts) bool { return drop }
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				for j := range 16 {
					n := i*16 + j
					require.NoError(b, bench.Push(context.Background(), handoff.Batch{
						Sender: "a", Position: uint64(n + 1), Items: benchSpans, Signal: handoffv1.Signal_SIGNAL_TRACES,
						Payload: l.next(n), Done: func() {},
					}))
				}
				bench.clock.advance(3 * time.Second)
				clear(bench.voter.decisions)
				clear(bench.voter.facts)
				b.StartTimer()
				require.NoError(b, bench.settle(context.Background()))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSpans/16, "ns/span")
			bench.close()
		})
	}
}
