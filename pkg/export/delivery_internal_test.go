package export

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/breaker"
	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

const traces = handoffv1.Signal_SIGNAL_TRACES

// scripted is a backend in the time of a test: its answers come at once and in turn, the last one for ever.
type scripted struct {
	outcomes []outcome
	probe    outcome

	mu     sync.Mutex // guards what follows
	probes int
	calls  []time.Time
	got    map[string]int // verdicts other than again, by payload
}

func (s *scripted) send(_ context.Context, p part, _ bool) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.size() == 0 {
		s.probes++
		return s.probe
	}
	o := s.outcomes[min(len(s.calls), len(s.outcomes)-1)]
	s.calls = append(s.calls, time.Now())
	if o.verdict != again {
		for _, one := range p.pieces {
			s.got[string(one.payload)]++
		}
	} else {
		o.err = errors.New("not now")
	}
	if o.verdict == refused {
		o.err = errors.New("never")
	}
	return o
}

func (s *scripted) close() error { return nil }

// scriptedExporter has one endpoint for each script; it is called in a bubble of synctest.
func scriptedExporter(t *testing.T, seed uint64, scripts ...[]outcome) (*Exporter, []*scripted) {
	cfg := Config{Name: "tempo", Signal: traces, Concurrency: 3, Join: Join{Items: 1}}
	for i := range scripts {
		cfg.Endpoints = append(cfg.Endpoints, Endpoint{URL: fmt.Sprintf("http://backend-%d:4318", i), Priority: i % 2})
	}
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	x, err := New(cfg, Deps{Now: time.Now, Rand: func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return rng.Float64()
	}})
	require.NoError(t, err)
	var out []*scripted
	for i, script := range scripts {
		s := &scripted{outcomes: script, probe: yes, got: make(map[string]int)}
		x.endpoints[i].transport = s
		out = append(out, s)
	}
	return x, out
}

var (
	yes = outcome{verdict: accepted}
	no  = outcome{verdict: refused, reason: "no"}
	try = outcome{}
)

// running runs x for f.
func running(t *testing.T, x *Exporter, f func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	f()
	cancel()
	require.NoError(t, <-ended)
}

func TestAThrottledEndpointIsLeftAloneAsLongAsItAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, backends := scriptedExporter(t, 1, []outcome{{wait: 4 * time.Minute}, yes})
		running(t, x, func() {
			done := make(chan struct{})
			start := time.Now()
			require.NoError(t, x.Push(t.Context(), handoff.Batch{Signal: traces, Payload: []byte("a"), Done: func() { close(done) }}))
			<-done
			require.Len(t, backends[0].calls, 2)
			require.False(t, backends[0].calls[1].Before(start.Add(4*time.Minute)))
			require.LessOrEqual(t, backends[0].probes, 2, "one at the beginning, one when the time was over")
		})
	})
}

func TestAProbeThatIsToldToWaitIsNotRepeatedMeanwhileAndHoldsNoExportUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, backends := scriptedExporter(t, 1, []outcome{yes})
		backends[0].probe = outcome{wait: 4 * time.Minute, err: errors.New("HTTP 429")}
		running(t, x, func() {
			synctest.Wait()
			done := make(chan struct{})
			require.NoError(t, x.Push(t.Context(), handoff.Batch{Signal: traces, Payload: []byte("a"), Done: func() { close(done) }}))
			start := time.Now()
			<-done
			require.Equal(t, start, time.Now())
			<-time.After(3 * time.Minute)
			require.Equal(t, 1, backends[0].probes)
		})
	})
}

func TestABatchWaitsAsLongAsNoEndpointMayBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, _ := scriptedExporter(t, 1, []outcome{yes}, []outcome{yes})
		x.endpoints[0].notBefore = time.Now().Add(4 * time.Minute)
		require.LessOrEqual(t, x.pause(0), time.Second, "the other one may")
		x.endpoints[1].notBefore = time.Now().Add(3 * time.Minute)
		require.Greater(t, x.pause(0), 3*time.Minute)
		require.LessOrEqual(t, x.pause(0), 3*time.Minute+time.Second)
	})
}

func TestAnEndpointThatAsksForTimeIsNotIll(t *testing.T) {
	for name, c := range map[string]struct {
		probe   outcome
		healthy bool
	}{
		"answers":       {yes, true},
		"refuses":       {outcome{verdict: refused, err: errors.New("HTTP 401")}, true},
		"asks for time": {outcome{wait: time.Second, err: errors.New("HTTP 429")}, true},
		"is broken":     {outcome{verdict: refused, ill: true, err: errors.New("HTTP 500")}, false},
		"is away":       {outcome{err: errors.New("connection refused")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, backends := scriptedExporter(t, 1, []outcome{yes})
				backends[0].probe = c.probe
				running(t, x, func() {
					<-time.After(time.Minute)
					require.Equal(t, c.healthy, x.Stats().Endpoints[0].Healthy)
				})
			})
		})
	}
}

func TestWhileOneEndpointIsThrottledTheOtherWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, backends := scriptedExporter(t, 1, []outcome{{wait: 4 * time.Minute}}, []outcome{yes})
		running(t, x, func() {
			for i := range 5 {
				done := make(chan struct{})
				require.NoError(t, x.Push(t.Context(), handoff.Batch{
					Signal: traces, Payload: fmt.Append(nil, i), Done: func() { close(done) },
				}))
				<-done
			}
			require.Len(t, backends[0].calls, 1)
			require.Len(t, backends[1].calls, 5)
		})
	})
}

func TestAnEndThatComesWhileABatchWaitsEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, _ := scriptedExporter(t, 1, []outcome{{wait: 4 * time.Minute}})
		start := time.Now()
		running(t, x, func() {
			require.NoError(t, x.Push(t.Context(), handoff.Batch{
				Signal: traces, Payload: []byte("a"), Done: func() { t.Error("done though nobody took it") },
			}))
			synctest.Wait()
		})
		require.Equal(t, start, time.Now())
	})
}

// However many endpoints are down, a batch is tried a bounded number of times before it waits.
func TestTheAttemptsOfARoundAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, backends := scriptedExporter(t, 1, []outcome{try}, []outcome{try}, []outcome{try})
		running(t, x, func() {
			require.NoError(t, x.Push(t.Context(), handoff.Batch{Signal: traces, Payload: []byte("a"), Done: func() {}}))
			synctest.Wait()
			for _, b := range backends {
				require.Len(t, b.calls, 1)
			}
		})
	})
}

func TestAShareWhoseEndpointWasClosedMeanwhileStaysOpen(t *testing.T) {
	x, backends := scriptedExporter(t, 1, []outcome{yes})
	s := share{alone([]byte("a"), 1), 0}
	x.reserve([]share{s}, []int{0})
	for range 5 {
		p, err := x.endpoints[0].breaker.Allow(time.Now())
		require.NoError(t, err)
		p.Done(time.Now(), breaker.Failure)
	}
	require.Equal(t, again, (&delivery{x: x}).deliver(t.Context(), s))
	require.Empty(t, backends[0].calls)
	require.Equal(t, EndpointStats{Address: "http://backend-0:4318", Healthy: true, Breaker: breaker.Open}, x.Stats().Endpoints[0])
}

func alone(payload []byte, items int) part {
	return part{pieces: []piece{{payload, items}}, items: items}
}

func TestWhatCannotBeCutUpGoesWhole(t *testing.T) {
	s := splitter{owners: balance.NewConsistent([]string{"a", "b"})}
	open := []part{alone(nil, 0), alone([]byte{0xff}, 7)}
	require.Equal(t, []share{{open[0], anyone}, {open[1], anyone}}, s.split(open, []int{0, 1}))
}

func TestABatchIsDoneOnceAndOnlyAfterABackendHasSpoken(t *testing.T) {
	verdicts := rapid.SliceOfN(rapid.SampledFrom([]outcome{yes, no, try, {wait: time.Minute}, {verdict: again, ill: true, lie: true}}), 0, 12)
	rapid.Check(t, func(rt *rapid.T) {
		scripts := rapid.SliceOfN(verdicts, 1, 4).Draw(rt, "scripts")
		for i := range scripts {
			scripts[i] = append(scripts[i], rapid.SampledFrom([]outcome{yes, no}).Draw(rt, "last"))
		}
		n := rapid.IntRange(1, 20).Draw(rt, "batches")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			x, backends := scriptedExporter(t, seed, scripts...)
			spoken := func(payload string) (n int) {
				for _, b := range backends {
					b.mu.Lock()
					n += b.got[payload]
					b.mu.Unlock()
				}
				return n
			}
			running(t, x, func() {
				var all sync.WaitGroup
				all.Add(n) // a Done too many panics
				for i := range n {
					payload := fmt.Append(nil, "batch ", i)
					require.NoError(t, x.Push(t.Context(), handoff.Batch{
						Signal: traces, Position: uint64(i + 1), Items: 1, Payload: payload,
						Done: func() {
							if got := spoken(string(payload)); got != 1 {
								t.Errorf("batch %d is done, though backends spoke %d times", i, got)
							}
							all.Done()
						},
					}))
				}
				all.Wait()
			})
			var calls, failed, sent uint64
			for i, e := range x.Stats().Endpoints {
				calls += uint64(len(backends[i].calls))
				failed, sent = failed+e.Failed, sent+e.Sent
			}
			require.Equal(t, calls, failed+sent)
			require.Equal(t, uint64(n), sent+x.Stats().Dropped["no"])
			require.Equal(t, failed, x.Stats().Retries+x.Stats().Dropped["no"])
		})
	})
}
