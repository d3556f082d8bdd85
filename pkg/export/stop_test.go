package export_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func TestWhatIsUnderWayAtTheEndIsNotDone(t *testing.T) {
	b := newBackend(t, "http", func(int) reply { return reply{status: 503} })
	r := run(t, quick(export.RoundRobin, b))
	done := r.push(request(t, "one", 1), 1)
	b.wait(t, func() bool { return b.requests > 1 })
	r.stop()
	select {
	case <-done:
		t.Fatal("done though nobody took it")
	default:
	}
	require.ErrorIs(t, r.Push(t.Context(), handoff.Batch{Signal: traces}), handoff.ErrStopped)
}

func TestPushWaitsWhileAFullRequestWaitsForAWorker(t *testing.T) {
	b := newBackend(t, "grpc", func(int) reply { return reply{hang: true} })
	cfg := quick(export.RoundRobin, b)
	cfg.Concurrency, cfg.Join.Items = 1, 1
	r := run(t, cfg)
	r.push(request(t, "under way", 1), 1)
	r.push(request(t, "waits", 1), 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Push(ctx, handoff.Batch{Signal: traces}), context.Canceled)
}

func TestABatchOfAnotherSignalIsRefused(t *testing.T) {
	r := run(t, quick(export.RoundRobin, newBackend(t, "grpc", nil)))
	require.ErrorIs(t, r.Push(t.Context(), handoff.Batch{Signal: handoffv1.Signal_SIGNAL_LOGS}), handoff.ErrFinal)
}

// list is a log that is all there.
type list struct {
	entries  []handoff.Entry
	released chan uint64
}

func (l *list) Next(ctx context.Context, after uint64) (handoff.Entry, error) {
	if after < uint64(len(l.entries)) {
		return l.entries[after], nil
	}
	<-ctx.Done()
	return handoff.Entry{}, ctx.Err()
}

// Read implements handoff.Source.
func (l *list) Read(context.Context, uint64) ([]byte, error) { return nil, handoff.ErrEnded }

func (l *list) Released() uint64 { return 0 }

func (l *list) Release(position uint64) error {
	l.released <- position
	return nil
}

func TestAPumpEmptiesItsLogThroughAnExporter(t *testing.T) {
	const n = 50
	odd := func(n int) reply {
		switch rand.IntN(4) {
		case 0:
			return reply{status: 503}
		case 1:
			return reply{status: 400}
		}
		return reply{}
	}
	a, b := newBackend(t, "http", odd), newBackend(t, "http", odd)
	r := run(t, peers(export.RoundRobin, a, b))
	l := &list{released: make(chan uint64, n)}
	for i := range n {
		l.entries = append(l.entries, handoff.Entry{
			Position: uint64(i + 1), Total: uint64(i + 1), Items: 1, Payload: request(t, fmt.Sprint(i), 1),
		})
	}
	p, err := handoff.NewPump(handoff.PumpConfig{Sender: "a", Signal: traces, Log: l, Receiver: r})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for position := range l.released {
		if position == n {
			break
		}
	}
	cancel()
	require.NoError(t, <-ended)
	var dropped uint64
	for _, items := range r.Stats().Dropped {
		dropped += items
	}
	require.Equal(t, n, int(dropped)+len(a.names())+len(b.names()))
}

func TestEveryFaultOfAConfigIsTold(t *testing.T) {
	cfg := export.Config{
		Balance: "random", Concurrency: -1, Timeout: -1, Retry: export.Retry{Initial: time.Minute, Max: time.Second},
		Endpoints: []export.Endpoint{
			{URL: "grpc://host"},
			{URL: "ftp://host:1"},
			{URL: "http://"},
			{URL: "http://a?b=c"},
			{URL: ":"},
			{URL: "grpc://host:1/path"},
			{URL: "http://a:1"},
			{URL: "http://a:1"},
			{URL: "http://b:1", Headers: map[string]string{"a b": ""}},
			{URL: "http://c:1", Headers: map[string]string{"a": "b\n"}},
			{URL: "http://d:1", Headers: map[string]string{"Content-Type": "text/plain"}},
		},
	}
	_, err := export.New(cfg, export.Deps{})
	want := []string{
		"name:", "signal:", "balance:", "concurrency:", "timeout:", "retry.max:",
		"endpoints[0].url:", "endpoints[1].url:", "endpoints[2].url:", "endpoints[3].url:", "endpoints[4].url:",
		"endpoints[5].url:", "endpoints[7].url:", "endpoints[8].headers:", "endpoints[9].headers:", "endpoints[10].headers:",
	}
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, len(want), err)
	for i, w := range want {
		require.Contains(t, lines[i], "export: "+w)
	}
	_, err = export.New(export.Config{
		Name: "a", Signal: traces, Endpoints: []export.Endpoint{{URL: "grpc://127.0.0.1:1"}},
	}, export.Deps{})
	require.Equal(t, errors.New("export: now and rand: want both"), err)
}
