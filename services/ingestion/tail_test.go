package ingestion

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func filled(home *buffers, n int, with byte) *buffer {
	b := home.get(n)
	b.bytes = append(b.bytes, bytes.Repeat([]byte{with}, n)...)
	return b
}

func TestEachFollowerOfATailGetsEveryRecordThatIsStillThere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		home := &buffers{limit: 1 << 20}
		followers := rapid.IntRange(1, 3).Draw(rt, "followers")
		first := rapid.Uint64Range(1, 1<<40).Draw(rt, "first")
		tail := newTail(first-1, rapid.Int64Range(0, 1<<16).Draw(rt, "limit"), followers)
		n := rapid.IntRange(1, 200).Draw(rt, "records")
		order := rapid.Permutation(seq(n)).Draw(rt, "order")
		var wg sync.WaitGroup
		for range followers {
			wg.Go(func() {
				for i := range n {
					s, ok := tail.take(context.Background(), first+uint64(i), false)
					if !ok {
						continue // it is on disk
					}
					for _, b := range s.payload {
						if b != byte(i) {
							t.Errorf("record %d holds %d", i, b)
						}
					}
					s.buffer.release()
				}
			})
		}
		for _, i := range order {
			b := filled(home, 1+i*13%4096, byte(i))
			tail.put(slot{position: first + uint64(i), items: 1, payload: b.bytes, buffer: b})
			b.release()
		}
		wg.Wait()
		if tail.held > tail.limit {
			rt.Fatalf("%d bytes are held, want at most %d", tail.held, tail.limit)
		}
		tail.clear()
		require.Zero(rt, tail.held)
	})
}

func seq(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestATailWithoutRoomSendsItsFollowersToTheDisk(t *testing.T) {
	home := &buffers{}
	tail := newTail(7, 0, 1)
	b := filled(home, 10, 1)
	tail.put(slot{position: 8, payload: b.bytes, buffer: b})
	b.release()
	_, ok := tail.take(t.Context(), 8, true)
	require.False(t, ok)
	_, ok = tail.take(t.Context(), 3, true)
	require.False(t, ok, "before its time")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok = tail.take(ended, 9, true)
	require.False(t, ok)
}

func TestABufferComesBackOnceAllHaveReleasedIt(t *testing.T) {
	var freed [][]byte
	home := &buffers{limit: 1 << 13, gone: func(b []byte) { freed = append(freed, b) }}
	b := filled(home, 5000, 1)
	other := b.share()
	b.release()
	require.Empty(t, freed)
	other.release()
	require.Len(t, freed, 1)
	require.Same(t, b, home.get(4097), "memory is used again")
	require.EqualValues(t, 0, home.kept)

	large := home.get(1<<largestBuffer + 1)
	large.release()
	require.EqualValues(t, 0, home.kept, "what is beyond the classes is not kept")
	first, second := home.get(1<<13), home.get(1<<13)
	first.release()
	second.release()
	require.EqualValues(t, 1<<13, home.kept, "at most the limit is kept")
	(*buffer)(nil).release()
}

func TestABufferThatGrowsKeepsItsBytes(t *testing.T) {
	home := &buffers{limit: 1 << 20}
	b := filled(home, 4096, 7)
	require.Same(t, b, b.grow(0))
	b = b.grow(1)
	require.GreaterOrEqual(t, cap(b.bytes), 4097)
	require.Equal(t, bytes.Repeat([]byte{7}, 4096), b.bytes)
}

// fill puts records of 1 KiB from position first on.
func fill(tail *tail, home *buffers, first uint64, n int) {
	for i := range uint64(n) {
		b := filled(home, 1<<10, 0)
		tail.put(slot{position: first + i, items: 1, payload: b.bytes, buffer: b})
		b.release()
	}
}

func TestSendersWaitForALeaderThatIsAboutToFallBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := &buffers{limit: 1 << 20}
		tail := newTail(0, 64<<10, 2) // so that what the leader took is still held
		lead := func(position uint64) {
			s, ok := tail.take(t.Context(), position, true)
			require.True(t, ok)
			s.buffer.release()
		}
		start := time.Now()
		fill(tail, home, 1, 16)
		tail.pace(t.Context())
		require.Zero(t, time.Since(start), "a quarter is no lag")

		fill(tail, home, 17, 4)
		waiting := make(chan struct{})
		go func() { tail.pace(t.Context()); close(waiting) }()
		synctest.Wait()
		for p := uint64(1); p <= 12; p++ {
			select {
			case <-waiting:
				t.Fatalf("a sender was let go when the leader was at %d", p)
			default:
			}
			lead(p)
		}
		<-waiting
		require.Zero(t, time.Since(start), "the leader came near at once")

		fill(tail, home, 21, 20)
		lead(13)
		tail.pace(t.Context())
		require.Equal(t, paceTime, time.Since(start), "nobody is kept for longer")
		tail.pace(t.Context())
		require.Equal(t, paceTime, time.Since(start), "a leader that took nothing meanwhile is not waited for")
		lead(14)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		tail.pace(ended)
		require.Equal(t, paceTime, time.Since(start))
		fill(tail, home, 41, 60)
		tail.pace(t.Context())
		require.Equal(t, paceTime, time.Since(start), "what is on disk only is not waited for")
		tail.clear()
	})
}
