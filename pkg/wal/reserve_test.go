package wal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPositionThatAReaderSawIsNeverGivenAgainWhenThePowerTakesItBack(t *testing.T) {
	for _, policy := range []Sync{SyncNone, SyncInterval} {
		d := newMemory()
		l := openMemory(t, d, Options{Sync: policy, SyncEvery: 1 << 60})
		for range 3 {
			put(t, l, 2, "seen, and taken back")
		}
		if policy == SyncNone {
			require.Len(t, rest(t, l, 1), 3)
		}
		after := d.cut(fate{nothing, nothing, always})

		l = openMemory(t, after, Options{})
		require.Empty(t, rest(t, l, 1))
		p := put(t, l, 2, "another")
		require.Greater(t, p, uint64(3))
		require.Equal(t, uint64(1), l.Marks()[0].Records, "a gap is no record to be read")
		require.NoError(t, l.Release(p))
		require.Zero(t, l.Marks()[0].Records)
		require.NoError(t, l.Close())

		l = openMemory(t, after, Options{})
		require.Equal(t, p+1, put(t, l, 1, "a clean end leaves no gap"))
	}
}

func TestReservedPositionsAreReservedAgainBeforeTheyRunOut(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{Sync: SyncNone})
	l.mu.Lock()
	l.reserved = 2 // as if the rest had been given
	l.mu.Unlock()
	d.set(func() { d.failSync = 1 })
	_, err := l.Append(t.Context(), 1, nil)
	require.ErrorIs(t, err, errBroken)
	put(t, l, 1, "begins a segment")
	after := d.cut(fate{nothing, nothing, always})
	l = openMemory(t, after, Options{})
	require.Greater(t, put(t, l, 1, ""), uint64(reservation))
}

// Readers get what the file still gives after a failed sync, and the positions are not given again.
func TestWhatALateSyncLostIsCountedByPosition(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{Sync: SyncInterval, SyncEvery: 1 << 60})
	put(t, l, 1, "a")
	put(t, l, 1, "b")
	d.set(func() { d.room = 10 })
	_, err := l.Append(t.Context(), 1, make([]byte, 100))
	require.ErrorIs(t, err, ErrFull)
	require.Len(t, rest(t, l, 1), 2, "acknowledged before the write that failed, and synced since")
	d.set(func() { d.room = -1 })
	require.Equal(t, uint64(3), put(t, l, 1, "c"))
	l = openMemory(t, d.cut(fate{nothing, nothing, always}), Options{})
	require.Len(t, rest(t, l, 1), 2)
	require.Zero(t, l.Stats().LostRecords)
}

func TestAGapInThePositionsIsNoLoss(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{Sync: SyncNone})
	put(t, l, 2, "a")
	put(t, l, 3, "hit")
	after := d.cut(fate{all, all, always}) // an unclean end
	l = openMemory(t, after, Options{})
	require.Greater(t, put(t, l, 1, "behind the gap"), uint64(reservation))
	require.NoError(t, l.Close())
	after.flip(segmentName(1), headerBytes+int(recordSize(1))+recordBytes, 1)
	l = openMemory(t, after, Options{})
	require.Equal(t, uint64(1), l.Stats().LostRecords)
	require.Equal(t, uint64(3), l.Stats().LostWeight)
	require.NoError(t, l.Close())
	after.set(func() { delete(after.files, segmentName(1)) })
	l = openMemory(t, after, Options{})
	require.Equal(t, uint64(2), l.Stats().LostRecords)
	require.Equal(t, uint64(5), l.Stats().LostWeight)
}
