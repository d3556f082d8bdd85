package ingestion

import (
	"context"
	"math/rand/v2"
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

func TestWhateverReadsAtOnceStaysWithinTheBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		largest := rapid.Int64Range(1024, 1<<20).Draw(rt, "largest")
		total := largest * rapid.Int64Range(2, 40).Draw(rt, "times")
		sizes := rapid.SliceOfN(rapid.Int64Range(1, largest), 1, 50).Draw(rt, "sizes")
		c, left := newSeats(total, largest)
		s := &Service{cfg: small(), deps: Deps{Now: time.Now, Rand: rand.Float64}}
		var err error
		s.gate, err = openGate(s.cfg, s.deps, left)
		require.NoError(rt, err)
		var (
			mu         sync.Mutex // guards now, most
			now, most  int64      // bytes that the calls hold, the largest message while they read
			wg         sync.WaitGroup
			hold       = func(n int64) { mu.Lock(); defer mu.Unlock(); now += n; most = max(most, now) }
			readAndUse = func(size int64) {
				in := intake{s: s, stream: &stream{}}
				defer in.end()
				if in.begin("") != nil {
					return
				}
				if c.read(context.Background(), &in, func() (int, *refusal) {
					hold(largest)
					defer hold(-largest)
					return int(size), nil
				}) != nil {
					return
				}
				hold(size)
				hold(-size)
			}
		)
		for _, size := range sizes {
			wg.Go(func() { readAndUse(size) })
		}
		wg.Wait()
		if most > total || c.bytes() != 0 || s.gate.Held() != 0 {
			rt.Fatalf("%d bytes at most and %d after all, want %d and none", most, c.bytes()+s.gate.Held(), total)
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
			most = max(most, r.inFlight())
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
	require.Zero(t, r.inFlight())
	r.served(t)
}

func TestCallsThatStopSendingHoldUpNeitherHTTPNorAnybodyOnceTheyEnd(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	seats := cap(r.seats.taken)
	require.Equal(t, 8, seats)
	stalled, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range seats {
		_, err := r.conn.NewStream(stalled, &grpc.StreamDesc{ClientStreams: true}, traceExport, grpc.ForceCodecV2(raw{}))
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return len(r.seats.taken) == seats }, 10*time.Second, time.Millisecond)
	resp, body := r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, "", request(t, span(1)))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	<-to.got

	waits := make(chan error)
	go func() {
		var out []byte
		waits <- r.conn.Invoke(t.Context(), traceExport, request(t, span(1)), &out, grpc.ForceCodecV2(raw{}))
	}()
	require.Eventually(t, func() bool { return r.gate.Held() == windowBytes }, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-waits)
	<-to.got
	r.served(t)
}

func TestACallThatWaitsForASeatEndsWithItsDeadline(t *testing.T) {
	r := start(t, small(), t.TempDir(), newSink())
	for range cap(r.seats.taken) {
		r.seats.taken <- struct{}{}
		defer func() { <-r.seats.taken }()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := intake{s: r.Service, stream: r.streams[0]}
	require.Nil(t, in.begin(""))
	no := r.seats.read(ctx, &in, func() (int, *refusal) { panic("read without a seat") })
	require.Equal(t, overload, no.class)
	in.end()
	require.Zero(t, r.gate.Held())
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
