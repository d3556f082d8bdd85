package ingestion

import (
	"bytes"
	"context"
	"sync"
	"testing"

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
					s, ok := tail.take(context.Background(), first+uint64(i))
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
	_, ok := tail.take(t.Context(), 8)
	require.False(t, ok)
	_, ok = tail.take(t.Context(), 3)
	require.False(t, ok, "before its time")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok = tail.take(ended, 9)
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
