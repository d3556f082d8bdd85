package handoff_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/handoff"
)

// BenchmarkStream hands batches of 512 spans of 470 bytes over a stream, and waits until all are acknowledged.
func BenchmarkStream(b *testing.B) {
	payload := make([]byte, 512*470)
	w := newWire(b, taker{})
	c := runClient(b, w.conn, 0)
	b.SetBytes(int64(len(payload)))
	b.ResetTimer()
	var wg sync.WaitGroup
	wg.Add(b.N)
	for i := range b.N {
		require.NoError(b, c.Push(context.Background(), handoff.Batch{
			Sender: "a", Position: uint64(i + 1), Items: 512, Signal: traces, Payload: payload, Done: wg.Done,
		}))
	}
	wg.Wait()
	b.ReportMetric(float64(b.N*512)/b.Elapsed().Seconds(), "spans/s")
}

// taker takes everything.
type taker struct{}

func (taker) Push(_ context.Context, b handoff.Batch) error {
	b.Done()
	return nil
}
