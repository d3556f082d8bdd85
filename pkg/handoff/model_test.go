package handoff_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/wal"
)

// TestTheLogIsReleasedOnlyUpToWhatIsDone restarts pumps and finishes batches in any order: the log is never released
// past the first record that is not done, and at the end every record was done.
func TestTheLogIsReleasedOnlyUpToWhatIsDone(t *testing.T) {
	dir := t.TempDir()
	rounds := 0
	rapid.Check(t, func(rt *rapid.T) {
		rounds++
		l, err := wal.Open(fmt.Sprintf("%s/%d", dir, rounds), wal.Options{SegmentBytes: 4096, Sync: wal.SyncNone})
		require.NoError(rt, err)
		defer func() { require.NoError(rt, l.Close()) }()
		n := rapid.IntRange(1, 30).Draw(rt, "records")
		for range n {
			_, err := l.Append(context.Background(), 1, []byte("record"))
			require.NoError(rt, err)
		}
		done := make(map[uint64]bool)
		for int(l.Released()) < n {
			released := l.Released()
			for p := uint64(1); p <= released; p++ {
				require.True(rt, done[p], "record %d was released", p)
			}
			finishSome(t, rt, l, done)
		}
	})
}

// finishSome is the life of one pump: it sees the first records, of which some get done.
func finishSome(t *testing.T, rt *rapid.T, l *wal.Log, done map[uint64]bool) {
	r := newRecorder()
	r.hold = true
	p, err := handoff.NewPump(handoff.PumpConfig{
		Sender: "a", Signal: traces, Log: source{l}, Receiver: r, MaxBatches: 5, Drain: time.Nanosecond,
	})
	require.NoError(rt, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	first := l.Released() + 1
	var last uint64
	for _, b := range r.wait(t, 1) {
		last = b.Position
		require.GreaterOrEqual(rt, b.Position, first)
		if rapid.Bool().Draw(rt, "done") {
			done[b.Position] = true
			b.Done()
		}
	}
	require.GreaterOrEqual(rt, last, first)
	cancel()
	require.NoError(rt, <-ended)
}
