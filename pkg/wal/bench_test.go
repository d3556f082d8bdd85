package wal

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAppend stores batches of 512 spans of 470 bytes from four goroutines on a real disk, and lets a reader
// release them.
func BenchmarkAppend(b *testing.B) {
	const spans, spanBytes, callers = 512, 470, 4
	for name, policy := range map[string]Sync{"always": SyncAlways, "none": SyncNone} {
		b.Run(name, func(b *testing.B) {
			l := openLog(b, b.TempDir(), Options{SegmentBytes: 64 << 20, MaxBytes: 512 << 20, Sync: policy})
			payload := make([]byte, spans*spanBytes)
			b.SetBytes(int64(len(payload)))
			read := make(chan error)
			reading, stop := context.WithCancel(context.Background())
			defer stop()
			go func() {
				r := l.Reader(1)
				for n := 0; n < b.N; n++ {
					rec, err := r.Next(reading)
					if err == nil {
						err = l.Release(rec.Position)
					}
					if err != nil {
						read <- err
						return
					}
				}
				read <- nil
			}()
			b.ResetTimer()
			var wg sync.WaitGroup
			for g := range callers {
				wg.Go(func() {
					for i := g; i < b.N; i += callers {
						_, err := l.Append(context.Background(), spans, payload)
						for ; errors.Is(err, ErrFull); _, err = l.Append(context.Background(), spans, payload) {
							runtime.Gosched() // the reader makes room
						}
						if err != nil {
							b.Error(err)
							stop()
							return
						}
					}
				})
			}
			wg.Wait()
			require.NoError(b, <-read)
			s := l.Stats()
			b.ReportMetric(float64(s.Records*spans)/b.Elapsed().Seconds(), "spans/s")
			b.ReportMetric(float64(s.Records)/float64(max(s.Syncs, 1)), "records/sync")
		})
	}
}
