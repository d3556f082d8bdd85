package wal

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// syncTime is what a sync takes by the clock of a bubble.
const syncTime = time.Millisecond

// openInMemory opens a log within a bubble of synctest.
func openInMemory(t *testing.T) *Log {
	t.Helper()
	o := Options{SegmentBytes: 1 << 16}
	require.NoError(t, o.complete())
	d := newMemory()
	d.syncing = func() { <-time.After(syncTime) }
	l, err := open(d, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// TestAGroupWaitsForThoseWhoWereThere runs callers who append as soon as they have the answer. Time moves only when all
// wait for it.
func TestAGroupWaitsForThoseWhoWereThere(t *testing.T) {
	const callers, each = 8, 100
	synctest.Test(t, func(t *testing.T) {
		l := openInMemory(t)
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range each {
					_, err := l.Append(t.Context(), 1, []byte("record"))
					require.NoError(t, err)
				}
			})
		}
		wg.Wait()
		require.LessOrEqual(t, int(l.Stats().Syncs), each+2, "but for the first, a group holds all callers")
	})
}

func TestACallerWhoIsAloneIsNotKeptWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openInMemory(t)
		start := time.Now()
		for range 100 {
			_, err := l.Append(t.Context(), 1, []byte("record"))
			require.NoError(t, err)
		}
		require.Equal(t, 100, int(l.Stats().Syncs))
		require.LessOrEqual(t, time.Since(start), 101*syncTime, "it waits for the disk, once also for a file to be made")
	})
}

func TestAGroupWaitsForThoseWhoLeftOnceAndNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openInMemory(t)
		for range 3 { // so that a group holds all of them
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					_, err := l.Append(t.Context(), 1, []byte("record"))
					require.NoError(t, err)
				})
			}
			wg.Wait()
		}
		start := time.Now()
		for range 10 {
			_, err := l.Append(t.Context(), 1, []byte("record"))
			require.NoError(t, err)
		}
		require.LessOrEqual(t, time.Since(start), linger+10*syncTime)
	})
}
