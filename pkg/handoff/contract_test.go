package handoff_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

type linker = func(*testing.T, handoff.Receiver) handoff.Receiver

// batch makes the batch at position, and a channel that gets a token at each Done.
func batch(position uint64) (handoff.Batch, chan struct{}) {
	done := make(chan struct{}, 10)
	payload := fmt.Appendf(nil, "batch %d", position)
	return handoff.Batch{
		Sender: "a", Position: position, TotalItems: 3 * position, Items: 3, Signal: traces, Tenant: "shop",
		ReceiveTime: time.Unix(int64(position), 5).UTC(), Payload: payload, Digest: handoff.Digest(payload),
		Done: func() { done <- struct{}{} },
	}, done
}

func TestABatchArrivesAsItWasSent(t *testing.T) {
	overLinks(t, func(t *testing.T, link linker) {
		r := newRecorder()
		l := link(t, r)
		for p := uint64(1); p <= 20; p++ {
			b, done := batch(p * 10) // logs have gaps
			require.NoError(t, l.Push(t.Context(), b))
			<-done
			got := r.wait(t, int(p))[p-1]
			got.Done, b.Done = nil, nil
			require.Equal(t, b, got)
		}
	})
}

func TestDoneMayComeInAnyOrderAndComesOnce(t *testing.T) {
	overLinks(t, func(t *testing.T, link linker) {
		r := newRecorder()
		r.hold = true
		l := link(t, r)
		var dones []chan struct{}
		for p := range uint64(4) {
			b, done := batch(p + 1)
			require.NoError(t, l.Push(t.Context(), b))
			dones = append(dones, done)
		}
		got := r.wait(t, 4)
		for _, i := range []int{3, 1, 0, 2} {
			got[i].Done()
		}
		for _, done := range dones {
			<-done
			require.Empty(t, done)
		}
	})
}

func TestASlowReceiverHoldsTheSenderBack(t *testing.T) {
	overLinks(t, func(t *testing.T, link linker) {
		r := newRecorder()
		r.gate = make(chan struct{})
		l := link(t, r)
		ctx, cancel := context.WithCancel(t.Context())
		var taken atomic.Int64
		ended := make(chan error)
		go func() {
			for p := uint64(1); ; p++ {
				b, _ := batch(p)
				if err := l.Push(ctx, b); err != nil {
					ended <- err
					return
				}
				taken.Add(1)
			}
		}()
		for range 3 {
			r.gate <- struct{}{}
		}
		r.wait(t, 3)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.LessOrEqual(t, taken.Load(), int64(3+4), "four may wait in the window")
	})
}

func TestAPumpEmptiesTheLogAndPassesWhatCannotBeTaken(t *testing.T) {
	overLinks(t, func(t *testing.T, link linker) {
		r := newRecorder()
		r.judge = func(b handoff.Batch) error {
			if b.Position == 5 {
				return handoff.Final(fmt.Errorf("batch %d is bad", b.Position))
			}
			return nil
		}
		l := openWAL(t, 100)
		p, reached, stop := startPump(t, l, link(t, r))
		awaitPosition(t, reached, 100)
		require.Equal(t, uint64(100), l.Released())
		seen := make(map[uint64]bool)
		for _, b := range r.wait(t, 98) {
			seen[b.Position] = true
			require.Equal(t, fmt.Sprintf("record %d", b.Position), string(b.Payload))
			require.Equal(t, b.Position, b.TotalItems)
		}
		require.Len(t, seen, 98)
		require.False(t, seen[3] || seen[5])
		stop()
		s := p.Stats()
		require.Equal(t, uint64(1), s.Undecodable)
		require.Equal(t, uint64(100), s.Done)
	})
}

func TestWhatWasNotDoneComesAgainFromTheNextPump(t *testing.T) {
	overLinks(t, func(t *testing.T, link linker) {
		first := newRecorder()
		first.hold = true
		l := openWAL(t, 20)
		_, reached, stop := startPump(t, l, link(t, first))
		got := first.wait(t, 4)
		got[0].Done()
		awaitPosition(t, reached, 1)
		got[2].Done() // 2 is open, so 4 must come again
		stop()
		require.Equal(t, uint64(1), l.Released())

		second := newRecorder()
		_, reached, _ = startPump(t, l, link(t, second))
		awaitPosition(t, reached, 20)
		require.Equal(t, uint64(2), second.wait(t, 1)[0].Position)
	})
}

func TestARefusalThatPassesIsTriedAgain(t *testing.T) {
	overLinks(t, func(t *testing.T, link linker) {
		r := newRecorder()
		var tries atomic.Int64
		r.judge = func(handoff.Batch) error {
			if tries.Add(1) < 3 {
				return context.DeadlineExceeded
			}
			return nil
		}
		_, reached, _ := startPump(t, openWAL(t, 2), link(t, r))
		awaitPosition(t, reached, 2)
	})
}

func TestBadSettingsAreNamed(t *testing.T) {
	_, err := handoff.NewPump(handoff.PumpConfig{})
	for _, field := range []string{"sender: 0 bytes", "signal: unspecified", "log and receiver"} {
		require.ErrorContains(t, err, field)
	}
	_, err = handoff.NewServer(newRecorder(), handoffv1.Signal_SIGNAL_LOGS, noop.Meter{})
	require.NoError(t, err)
}
