package export

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/breaker"
	"github.com/triflow/triflow/pkg/handoff"
)

// slow is a backend that refuses connections until it is up, and then takes a second for an answer.
type slow struct {
	mu       sync.Mutex // guards what follows
	up       bool
	underWay int
	most     int // of them at a time
	taken    int
}

func (s *slow) send(_ context.Context, p part, _ bool) outcome {
	s.mu.Lock()
	s.underWay++
	s.most = max(s.most, s.underWay)
	up := s.up
	s.mu.Unlock()
	if up && p.size() > 0 {
		<-time.After(time.Second)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	if !up {
		return unreachable(errors.New("connection refused"))
	}
	if p.size() > 0 {
		s.taken++
	}
	return outcome{verdict: accepted}
}

func (s *slow) close() error { return nil }

func TestABackendThatComesBackIsTriedByOneRequestUntilThatSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, _ := scriptedExporter(t, 1, []outcome{yes})
		s := &slow{}
		x.endpoints[0].transport = s
		x.cfg.Concurrency = 8
		running(t, x, func() {
			var all sync.WaitGroup
			for i := range 8 {
				all.Add(1)
				require.NoError(t, x.Push(t.Context(), handoff.Batch{Signal: traces, Items: 1, Payload: named(t, fmt.Sprint(i)), Done: all.Done}))
			}
			<-time.After(time.Minute)
			require.NotEqual(t, breaker.Closed, x.Stats().Endpoints[0].Breaker)
			s.mu.Lock()
			s.up, s.most = true, 0
			s.mu.Unlock()
			for !s.has(1) { // while the first is under way, no other is
				<-time.After(time.Millisecond)
				s.mu.Lock()
				if s.taken == 0 {
					require.LessOrEqual(t, s.most, 1)
				}
				s.mu.Unlock()
			}
			all.Wait()
			require.Equal(t, breaker.Closed, x.Stats().Endpoints[0].Breaker)
		})
	})
}

func (s *slow) has(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken >= n
}

func TestPeersGetEqualSharesFromManyWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, backends := scriptedExporter(t, 1, []outcome{yes}, []outcome{yes}, []outcome{yes})
		for _, e := range x.endpoints {
			e.Priority = 0
		}
		x.cfg.Concurrency = 8
		running(t, x, func() {
			var all sync.WaitGroup
			for i := range 300 {
				all.Add(1)
				require.NoError(t, x.Push(t.Context(), handoff.Batch{Signal: traces, Items: 1, Payload: named(t, fmt.Sprint(i)), Done: all.Done}))
			}
			all.Wait()
			for _, b := range backends {
				require.Len(t, b.calls, 100)
			}
		})
	})
}
