package assembly

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"pgregory.net/rapid"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/handoff"
)

// log is the durable log of a sender of batches: what is not done is pushed again after a crash of the receiver.
type log struct {
	name    string
	batches []sent
	pushed  int // batches that the running receiver has been given, or need not be given
}

type sent struct {
	payload []byte
	spans   []*tracev1.Span
	broken  bool
	done    bool
	known   bool // the sender remembers, over a crash, that it is done
}

// world is a service with senders, and what is true of the spans they sent.
type world struct {
	*bench
	t    *rapid.T
	logs []*log
}

// Positions are rising with gaps, as the batches of other signals leave them.
func position(i int) uint64 { return uint64(i+1) * 3 }

// write appends a random batch to a sender's log.
func (w *world) write(l *log) {
	var s sent
	for range rapid.IntRange(1, 6).Draw(w.t, "spans") {
		trace := rapid.Uint64Range(1, 8).Draw(w.t, "trace")
		n := rapid.Uint64Range(1, 6).Draw(w.t, "span")
		s.spans = append(s.spans, span(trace, n, n-1, fmt.Sprint("op", n), tracev1.Span_SpanKind(n%3+1), int(n), 20-int(n)))
	}
	s.payload = payload(w.t, from("svc-"+l.name, s.spans...))
	if s.broken = rapid.IntRange(0, 9).Draw(w.t, "broken") == 0; s.broken {
		s.payload = s.payload[:len(s.payload)-1]
	}
	l.batches = append(l.batches, s)
}

// push gives the next batch of a log to the service, if it takes it.
func (w *world) push(l *log) {
	for l.pushed < len(l.batches) && l.batches[l.pushed].known {
		l.pushed++
	}
	if l.pushed == len(l.batches) {
		return
	}
	i := l.pushed
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // does not wait
	err := w.Push(ctx, handoff.Batch{
		Sender: l.name, Position: position(i), Items: len(l.batches[i].spans), Signal: handoffv1.Signal_SIGNAL_TRACES,
		Payload: l.batches[i].payload, Done: func() { l.batches[i].done = true },
	})
	if err == nil {
		l.pushed++
	} else {
		require.ErrorIs(w.t, err, context.Canceled)
	}
}

// pass lets time go by; sampling may be away.
func (w *world) pass() {
	w.clock.advance(time.Duration(rapid.IntRange(0, 4000).Draw(w.t, "ms")) * time.Millisecond)
	if err := w.settle(context.Background()); !errors.Is(err, errDown) {
		require.NoError(w.t, err)
	}
}

// restart crashes the service; every sender begins anew with what it does not know to be done.
func (w *world) restart() {
	w.crash()
	for _, l := range w.logs {
		l.pushed = 0
		for i := range l.batches {
			l.batches[i].known = l.batches[i].done && (l.batches[i].known || rapid.Bool().Draw(w.t, "known"))
		}
	}
}

// TestTheLedgerIsExactOverCrashes draws histories of batches with copies, late spans, crashes, repeated pushes and
// times without sampling, and checks that the ledger balances at every moment, and at the end that every span is in
// its kept trace once, or was dropped with it.
func TestTheLedgerIsExactOverCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, logs: []*log{{name: "a"}, {name: "b"}}}
		w.bench = newBench(t, func(c *Config) { c.MaxTraceSpans = 5 })
		w.voter.drop = func(f *samplingv1.TraceFacts) bool { return f.GetTraceId()[31]%2 == 0 }
		anyLog := rapid.SampledFrom(w.logs)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(*rapid.T) { w.write(anyLog.Draw(t, "log")) },
			"push":  func(*rapid.T) { w.push(anyLog.Draw(t, "log")) },
			"push2": func(*rapid.T) { w.push(anyLog.Draw(t, "log")) },
			"pass":  func(*rapid.T) { w.pass() },
			"crash": func(*rapid.T) { w.restart() },
			"outage": func(*rapid.T) {
				w.voter.down = !w.voter.down
			},
			"": func(*rapid.T) { w.balanced(); w.counted() },
		})
		w.finish()
	})
}

// counted checks that pending spans are where the ledger says: in the shards and on the waiting list.
func (w *world) counted() {
	n := uint64(0)
	count := func(t *trace) {
		for _, p := range t.parts {
			n += p.spans
		}
	}
	for i := range w.shards {
		for _, t := range w.shards[i].open {
			count(t)
		}
	}
	for _, t := range w.waiting {
		count(t)
	}
	for _, b := range w.accounts.lost {
		n += b.pending
	}
	require.Equal(w.t, n, w.ledger().GetPending())
}

// finish pushes all that there is, waits until it is settled, and compares with what was sent.
func (w *world) finish() {
	defer w.close()
	w.voter.down = false
	w.clock.advance(askPauseMax)
	for _, l := range w.logs {
		for l.pushed < len(l.batches) {
			w.push(l)
		}
	}
	w.wait(time.Minute)
	ledger := w.balanced()
	require.Zero(w.t, ledger.GetPending())
	sent, malformed, copies := uint64(0), uint64(0), make(map[uint64]map[string]uint64)
	for _, l := range w.logs {
		for i := range l.batches {
			require.True(w.t, l.batches[i].done)
			if l.batches[i].broken {
				sent += uint64(len(l.batches[i].spans))
				malformed += uint64(len(l.batches[i].spans))
				continue
			}
			for _, s := range l.batches[i].spans {
				sent++
				trace := binary.BigEndian.Uint64(s.GetTraceId()[8:])
				if copies[trace] == nil {
					copies[trace] = make(map[string]uint64)
				}
				copies[trace][nameOf("svc-"+l.name, s)]++
			}
		}
	}
	require.Equal(w.t, sent, ledger.GetReceived())
	require.Equal(w.t, malformed, droppedFor(ledger, reasonMalformed))
	kept := uint64(0)
	for trace, spans := range copies {
		got, err := w.trace(trace)
		if traceOf(trace).String()[31]%2 == 0 {
			require.ErrorContains(w.t, err, "dropped")
			continue
		}
		require.NoError(w.t, err)
		stored := spansOf(got)
		require.Len(w.t, stored, len(spans))
		for s, n := range stored {
			require.Equal(w.t, 1, n, "a span is visible once")
			require.Contains(w.t, spans, s)
		}
		kept += uint64(len(spans))
	}
	require.Equal(w.t, kept, ledger.GetKept())
	w.reopened(ledger.String())
}

func droppedFor(l *assemblyv1.GetLedgerResponse, reason string) uint64 {
	for _, d := range l.GetDropped() {
		if d.GetReason() == reason {
			return d.GetSpans()
		}
	}
	return 0
}

// reopened checks that a last crash changes nothing.
func (w *world) reopened(want string) {
	w.crash()
	require.Equal(w.t, want, w.balanced().String())
}

func TestASenderThatSkipsDoneBatchesDoesNotUpsetTheLedger(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.push(1, from("cart", span(1, 2, 1, "open", serving, 0, 10)))
	b.push(2, shop(2)...)
	b.wait(3 * time.Second)
	require.Equal(t, uint64(4), b.balanced().GetKept())
	b.crash()
	require.Equal(t, uint64(4), b.balanced().GetReceived())
	b.push(3, shop(4)...)
	b.wait(3 * time.Second)
	require.Equal(t, uint64(8), b.balanced().GetKept())
	require.Equal(t, uint64(8), b.balanced().GetReceived(), "what was not pushed again was never received")
	b.crash()
	require.Equal(t, uint64(8), b.balanced().GetReceived())
}

func TestADisabledDiskStopsTheAccountsAndLosesNothing(t *testing.T) {
	b := newBench(t)
	defer b.close()
	broken := &brokenStore{Store: b.store}
	b.Service.store = broken
	done := b.push(1, shop(7)...)
	broken.down = true
	b.clock.advance(3 * time.Second)
	require.ErrorIs(t, b.settle(context.Background()), errDisk)
	require.False(t, *done)
	broken.down = false
	b.wait(time.Second)
	require.True(t, *done)
	require.Equal(t, uint64(4), b.balanced().GetKept())
}

// brokenStore refuses commits while it is down.
type brokenStore struct {
	Store
	down bool
}

var errDisk = errors.New("disk is full")

func (s *brokenStore) Commit(c *Commit) error {
	if s.down {
		return errDisk
	}
	return s.Store.Commit(c)
}
