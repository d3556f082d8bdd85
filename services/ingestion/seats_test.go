package ingestion

import (
	"context"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
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
			switch code := status.Code(err); code {
			case codes.ResourceExhausted, codes.Unavailable:
			case codes.Canceled: // it had its seat for long, which a busy machine does to it
			default:
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

// readers is a service of which only the seats are used.
func readers(t *testing.T, seats int64) *Service {
	t.Helper()
	s := &Service{cfg: small(), deps: Deps{Now: time.Now, Rand: rand.Float64}}
	s.seats, _ = newSeats(2*seats*int64(s.cfg.MaxBytes), int64(s.cfg.MaxBytes))
	var err error
	s.gate, err = openGate(s.cfg, s.deps, 1<<30)
	require.NoError(t, err)
	return s
}

// read is a call of a tenant that sends until f returns.
func (s *Service) read(ctx context.Context, tenant string, f func()) *refusal {
	in := intake{s: s, stream: &stream{}}
	defer in.end()
	if no := in.begin(tenant); no != nil {
		return no
	}
	return s.seats.read(ctx, &in, func() (int, *refusal) {
		f()
		if ctx.Err() != nil {
			return 0, refuse(canceled, "%v", ctx.Err())
		}
		return 1, nil
	})
}

func TestTheLastSeatIsForATenantThatHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 4)
		var calls sync.WaitGroup
		held, end := atomic.Int32{}, make(chan struct{})
		for range 10 {
			calls.Go(func() {
				require.Nil(t, s.read(t.Context(), "noisy", func() { held.Add(1); <-end }))
			})
		}
		synctest.Wait()
		require.Equal(t, int32(3), held.Load())
		require.Nil(t, s.read(t.Context(), "quiet", func() {}))
		close(end)
		calls.Wait()
		require.Zero(t, s.seats.bytes())
	})
}

func TestSeatsGoToWhoHasTheFewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 3)
		var calls sync.WaitGroup
		next := make(chan struct{})
		var mu sync.Mutex // guards order
		var order []string
		call := func(tenant string) {
			calls.Go(func() {
				require.Nil(t, s.read(t.Context(), tenant, func() {
					mu.Lock()
					order = append(order, tenant)
					mu.Unlock()
					<-next
				}))
			})
			synctest.Wait()
		}
		for _, tenant := range []string{"a", "a", "a", "a", "b", "b", "c"} {
			call(tenant)
		}
		require.Equal(t, []string{"a", "a", "b"}, order)
		for range 7 {
			next <- struct{}{}
			synctest.Wait()
		}
		calls.Wait()
		require.Equal(t, "c", order[3], "it has none while the others have one each")
	})
}

func TestWhoStopsSendingLosesTheSeatToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 1)
		stalled := make(chan *refusal, 1)
		go func() {
			ctx, err := stoppable(t.Context(), nil)
			require.NoError(t, err)
			stalled <- s.read(ctx, "a", func() { <-ctx.Done() })
		}()
		synctest.Wait()
		start := time.Now()
		require.Nil(t, s.read(t.Context(), "a", func() {}))
		require.Equal(t, patience, time.Since(start))
		no := <-stalled
		require.Equal(t, overload, no.class)
		require.True(t, no.retryable())
		require.ErrorContains(t, no, "stopped coming for 5s")
	})
}

func TestACallThatWasEndedForTheOthersIsToComeAgainThoughItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 1)
		stalled := make(chan *refusal, 1)
		ctx, err := stoppable(t.Context(), nil)
		require.NoError(t, err)
		in := intake{s: s, stream: &stream{}}
		defer in.end()
		require.Nil(t, in.begin("a"))
		go func() {
			stalled <- s.seats.read(ctx, &in, func() (int, *refusal) { <-ctx.Done(); return 1, nil })
		}()
		synctest.Wait()
		require.Nil(t, s.read(t.Context(), "a", func() {}))
		require.Equal(t, overload, (<-stalled).class)
	})
}

func TestWhoIsSlowKeepsTheSeatWhileNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 1)
		ctx, err := stoppable(t.Context(), nil)
		require.NoError(t, err)
		require.Nil(t, s.read(ctx, "a", func() { <-time.After(callLimit / 2) }))
	})
}

// TestSeatsAreGivenOnceAndGivenBack lets calls of some tenants come, read and give up in any order.
func TestSeatsAreGivenOnceAndGivenBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := readers(t, rapid.Int64Range(1, 6).Draw(rt, "seats"))
		calls := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 60).Draw(rt, "tenants")
		var mu sync.Mutex // guards reading, most
		var reading, most int
		hold := func(n int) { mu.Lock(); defer mu.Unlock(); reading += n; most = max(most, reading) }
		var wg sync.WaitGroup
		for i, tenant := range calls {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%5 == 0 {
					cancel() // it may still get a seat that is free
				}
				_ = s.read(ctx, string(rune('a'+tenant)), func() {
					hold(1)
					runtime.Gosched()
					hold(-1)
				})
			})
		}
		wg.Wait()
		require.LessOrEqual(rt, most, s.seats.all)
		require.Zero(rt, s.seats.bytes())
		require.Zero(rt, s.seats.waiting)
		require.Empty(rt, s.seats.sitting)
		require.Zero(rt, s.gate.Held())
	})
}

func TestCallsThatStopSendingHoldUpNeitherHTTPNorOtherTenants(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	require.Equal(t, 8, r.seats.all)
	stalled, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range r.seats.all {
		_, err := r.conn.NewStream(stalled, &grpc.StreamDesc{ClientStreams: true}, traceExport, grpc.ForceCodecV2(raw{}))
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return r.seats.bytes() == int64(r.seats.all-1)*r.seats.largest }, 10*time.Second, time.Millisecond)
	resp, body := r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, "", request(t, span(1)))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	<-to.got
	var out []byte
	quiet := metadata.AppendToOutgoingContext(t.Context(), r.cfg.TenantHeader, "quiet")
	require.NoError(t, r.conn.Invoke(quiet, traceExport, request(t, span(1)), &out, grpc.ForceCodecV2(raw{})))
	<-to.got

	waits := make(chan error)
	go func() {
		var out []byte
		waits <- r.conn.Invoke(t.Context(), traceExport, request(t, span(1)), &out, grpc.ForceCodecV2(raw{}))
	}()
	require.Eventually(t, func() bool { return r.gate.Held() == 2*windowBytes }, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-waits)
	<-to.got
	r.served(t)
}

func TestNobodyWaitsForASeatForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 1)
		end := make(chan struct{})
		go func() { _ = s.read(t.Context(), "a", func() { <-end }) }() // nothing can stop it
		synctest.Wait()
		start := time.Now()
		no := s.read(t.Context(), "b", func() { panic("read without a seat") })
		require.Equal(t, overload, no.class)
		require.Equal(t, callLimit, time.Since(start))
		close(end)
		synctest.Wait()
	})
}

func TestACallThatWaitsForASeatEndsWithItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 1)
		end := make(chan struct{})
		go func() { _ = s.read(t.Context(), "a", func() { <-end }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), patience/2)
		defer cancel()
		no := s.read(ctx, "a", func() { panic("read without a seat") })
		require.Equal(t, overload, no.class)
		close(end)
		synctest.Wait()
		require.Zero(t, s.gate.Held())
	})
}

func TestACallThatStopsSendingEndsThoughNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := readers(t, 1)
		ctx, err := stoppable(t.Context(), nil)
		require.NoError(t, err)
		start := time.Now()
		no := s.read(ctx, "a", func() { <-ctx.Done() })
		require.Equal(t, callLimit, time.Since(start))
		require.True(t, no.retryable())
	})
}
