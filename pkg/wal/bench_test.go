package wal

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAppend stores records from some callers on a real disk; every 64th caller releases what is behind it.
func BenchmarkAppend(b *testing.B) {
	for _, policy := range []Sync{SyncNone, SyncInterval, SyncAlways} {
		for _, callers := range []int{1, 8, 64} {
			for _, kib := range []int{100, 240} {
				b.Run(fmt.Sprintf("%s/callers=%d/KiB=%d", policy, callers, kib), func(b *testing.B) {
					benchmarkAppend(b, policy, callers, kib<<10)
				})
			}
		}
	}
}

func benchmarkAppend(b *testing.B, policy Sync, callers, size int) {
	l := openLog(b, b.TempDir(), Options{SegmentBytes: 64 << 20, MaxBytes: 512 << 20, Sync: policy})
	payload := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	ctx := context.Background()
	b.ResetTimer()
	var wg sync.WaitGroup
	for g := range callers {
		wg.Go(func() {
			for i := g; i < b.N; i += callers {
				p, err := l.Append(ctx, 1, payload)
				if err == nil && p%64 == 0 {
					err = l.Release(p)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	s := l.Stats()
	require.Equal(b, uint64(b.N), s.Records)
	b.ReportMetric(float64(s.Records)/float64(max(s.Syncs, 1)), "records/sync")
}
