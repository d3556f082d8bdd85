package ingestion

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"
)

func TestWhateverReadsAtOnceStaysWithinTheCeiling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		largest := rapid.Int64Range(1024, 1<<20).Draw(t, "largest")
		total := largest * rapid.Int64Range(2, 40).Draw(t, "times")
		sizes := rapid.SliceOfN(rapid.Int64Range(0, largest), 1, 50).Draw(t, "sizes")
		c := newCeiling(total, largest)
		var memory, most atomic.Int64 // what the calls really hold, at the worst
		take := func(n int64) {
			now := memory.Add(n)
			for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
			}
		}
		var wg sync.WaitGroup
		for _, size := range sizes {
			wg.Go(func() {
				held, _ := c.read(context.Background(), func() (int, *refusal) {
					take(largest)
					take(size - largest)
					return int(size), nil
				})
				if held == 0 && size > 0 { // refused, so let go
					take(-size)
					return
				}
				take(-held)
				c.release(held)
			})
		}
		wg.Wait()
		if got := most.Load(); got > total+int64(len(sizes))*largest {
			t.Fatalf("%d bytes at once, want at most %d", got, total)
		}
		if c.bytes() != 0 {
			t.Fatalf("%d bytes held after all, want none", c.bytes())
		}
	})
}
