package ingestion

import (
	"context"
	"net/http"
	"sync"
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
	rapid.Check(t, func(rt *rapid.T) {
		largest := rapid.Int64Range(1024, 1<<20).Draw(rt, "largest")
		total := largest * rapid.Int64Range(2, 40).Draw(rt, "times")
		sizes := rapid.SliceOfN(rapid.Int64Range(1, largest), 1, 50).Draw(rt, "sizes")
		c := newCeiling(total, largest)
		var (
			mu         sync.Mutex // guards now, most
			now, most  int64      // bytes that the calls hold, the largest message while they read
			wg         sync.WaitGroup
			hold       = func(n int64) { mu.Lock(); defer mu.Unlock(); now += n; most = max(most, now) }
			readAndUse = func(size int64) {
				held, no := c.read(context.Background(), func() (int, *refusal) {
					hold(largest)
					defer hold(-largest)
					return int(size), nil
				})
				if no != nil {
					return
				}
				hold(held)
				hold(-held)
				c.release(held)
			}
		)
		for _, size := range sizes {
			wg.Go(func() { readAndUse(size) })
		}
		wg.Wait()
		if most > total || c.bytes() != 0 {
			rt.Fatalf("%d bytes at most and %d after all, want %d and none", most, c.bytes(), total)
		}
	})
}

func TestManyBombsAtOnceStayWithinTheCeilingAndAreRefused(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	bomb := make([]byte, 16*r.cfg.MaxBytes)
	peak := make(chan int64)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		var most int64
		for ctx.Err() == nil {
			most = max(most, r.ceiling.bytes())
		}
		peak <- most
	}()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			var out []byte
			err := r.conn.Invoke(ctx, traceExport, bomb, &out, grpc.UseCompressor(gzip.Name), grpc.ForceCodecV2(raw{}))
			if code := status.Code(err); code != codes.ResourceExhausted && code != codes.Unavailable {
				t.Errorf("bomb was answered with %s, want ResourceExhausted or Unavailable", code)
			}
		})
	}
	wg.Wait()
	cancel()
	require.LessOrEqual(t, <-peak, r.cfg.InFlightBytes)
	require.Zero(t, r.ceiling.bytes())
	r.served(t)
}

func TestCallsThatStopSendingHoldUpNeitherHTTPNorAnybodyOnceTheyEnd(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	seats := cap(r.ceiling.seats)
	require.Equal(t, 8, seats)
	stalled, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range seats {
		_, err := r.conn.NewStream(stalled, &grpc.StreamDesc{ClientStreams: true}, traceExport, grpc.ForceCodecV2(raw{}))
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return len(r.ceiling.seats) == seats }, 10*time.Second, time.Millisecond)
	resp, body := r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, "", request(t, span(1)))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	<-to.got

	waits := make(chan error)
	go func() {
		var out []byte
		waits <- r.conn.Invoke(t.Context(), traceExport, request(t, span(1)), &out, grpc.ForceCodecV2(raw{}))
	}()
	require.Eventually(t, func() bool { return r.ceiling.held.Load() == windowBytes }, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-waits)
	<-to.got
	r.served(t)
}

func TestACallThatWaitsForASeatEndsWithItsDeadline(t *testing.T) {
	c := newCeiling(1<<20, 1<<19)
	c.seats <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, no := c.read(ctx, func() (int, *refusal) { panic("read without a seat") })
	require.Equal(t, overload, no.class)
	require.Zero(t, c.held.Load())
}

func TestACallEndsWithinItsLimitWhateverDeadlineItAskedFor(t *testing.T) {
	patient, cancel := context.WithTimeout(t.Context(), 100*callLimit)
	defer cancel()
	for _, parent := range []context.Context{patient, t.Context()} {
		ctx, err := limit(parent, nil)
		require.NoError(t, err)
		end, has := ctx.Deadline()
		require.True(t, has)
		require.LessOrEqual(t, time.Until(end), callLimit)
	}
}
