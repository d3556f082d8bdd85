package wal

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// openMemory opens the log on d, with small segments.
func openMemory(t *testing.T, d *memory, o Options) *Log {
	t.Helper()
	o.SegmentBytes = 4096
	require.NoError(t, o.complete())
	l, err := open(d, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func (d *memory) set(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
}

// flip damages size bytes of a file.
func (d *memory) flip(name string, at, size int) {
	d.set(func() {
		for i := range size {
			d.files[name].data[at+i] ^= 0xff
		}
	})
}

func TestAFailedSyncEndsTheSegmentAndCostsNoRecord(t *testing.T) {
	d := newMemory()
	var told bytes.Buffer
	l := openMemory(t, d, Options{Log: slog.New(slog.NewTextHandler(&told, nil))})
	put(t, l, 1, "before")
	d.set(func() { d.failSync = 1 })
	require.Equal(t, uint64(2), put(t, l, 1, "during"))
	put(t, l, 1, "after")
	require.Equal(t, uint64(1), l.Stats().SyncFailures)
	require.Contains(t, told.String(), "log segment given up")
	require.Contains(t, told.String(), errBroken.Error())

	first := d.files[segmentName(1)]
	written := bytes.Clone(first.data)
	for range 20 {
		put(t, l, 1, strings.Repeat("x", 900))
	}
	require.Equal(t, written, first.data, "written after its failure")

	records := rest(t, l, 1)
	require.Len(t, records, 23)
	require.Equal(t, "during", string(records[1].Data))
	require.NoError(t, l.Release(10))
	require.Contains(t, d.files, segmentName(1)+damagedSuffix, "must not become a spare")
	require.Equal(t, uint64(1), l.Stats().Quarantined)
}

func TestADiskThatStaysBrokenRefusesAndRecovers(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	put(t, l, 1, "a")
	d.set(func() { d.failSync = 1 << 20 })
	for range 3 {
		_, err := l.Append(t.Context(), 1, []byte("refused"))
		require.ErrorIs(t, err, errBroken)
	}
	d.set(func() { d.failSync = 0 })
	require.Equal(t, uint64(2), put(t, l, 1, "b"))
	records := rest(t, l, 1)
	require.Len(t, records, 2)
	require.Equal(t, "b", string(records[1].Data))
}

func TestAFullDiskIsAFullLog(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	data := strings.Repeat("x", 3000)
	put(t, l, 1, data)
	d.set(func() { d.full = true })
	_, err := l.Append(t.Context(), 1, []byte(data))
	require.ErrorIs(t, err, ErrFull)
	require.ErrorIs(t, err, syscall.ENOSPC)
	put(t, l, 1, "there is room for a small one")
	d.set(func() { d.full = false })
	require.Equal(t, uint64(3), put(t, l, 1, data))
}

func TestWhatDamageCostIsCountedAndSetAside(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	for range 12 { // four in a segment
		put(t, l, 5, strings.Repeat("x", 960))
	}
	require.NoError(t, l.Close())
	d.flip(segmentName(1), headerBytes+1000, 1500) // records 2 and 3
	d.flip(segmentName(5), headerBytes+3000, 10)   // the header of record 8, the last of its segment

	l = openMemory(t, d, Options{})
	s := l.Stats()
	require.Equal(t, uint64(3), s.LostRecords)
	require.Equal(t, uint64(15), s.LostWeight)
	require.Equal(t, uint64(2), s.Damaged)
	require.Zero(t, s.Torn)
	var positions []uint64
	for range 2 { // reading finds the same places, and does not count them again
		positions = nil
		for _, r := range rest(t, l, 1) {
			positions = append(positions, r.Position)
			require.Equal(t, 5*r.Position, r.Total)
		}
	}
	require.Equal(t, []uint64{1, 4, 5, 6, 7, 9, 10, 11, 12}, positions)
	require.Equal(t, uint64(2), l.Stats().Damaged)
	require.Equal(t, uint64(13), put(t, l, 5, ""))

	require.NoError(t, l.Release(12))
	require.Equal(t, uint64(2), l.Stats().Quarantined)
	require.Contains(t, d.files, segmentName(1)+damagedSuffix)
	require.Contains(t, d.files, segmentName(5)+damagedSuffix)
}

func TestASegmentThatIsGoneIsCounted(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	for range 12 { // four in a segment
		put(t, l, 3, strings.Repeat("x", 960))
	}
	require.NoError(t, l.Close())
	d.set(func() { delete(d.files, segmentName(5)) })
	l = openMemory(t, d, Options{})
	require.Len(t, rest(t, l, 1), 8)
	require.Equal(t, uint64(4), l.Stats().LostRecords)
	require.Equal(t, uint64(12), l.Stats().LostWeight)
	require.Equal(t, uint64(13), put(t, l, 1, ""))
}

func TestASegmentStaysThoughNothingInItCanBeRead(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	for range 3 { // one in a segment
		put(t, l, 2, strings.Repeat("x", 3000))
	}
	require.NoError(t, l.Close())
	d.flip(segmentName(1), headerBytes, recordBytes)
	for range 2 {
		l = openMemory(t, d, Options{})
		require.Equal(t, uint64(1), l.Stats().LostRecords)
		require.Equal(t, uint64(2), l.Stats().LostWeight)
		require.Zero(t, l.Released())
		require.Contains(t, d.files, segmentName(1))
		require.NoError(t, l.Close())
	}
}

func TestDamageAfterTheOpeningIsPassedOverByTheReader(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	for _, data := range []string{"a", "b", "c"} {
		put(t, l, 1, data)
	}
	d.flip(segmentName(1), headerBytes+int(recordSize(1))+recordBytes, 1) // the payload of b
	records := rest(t, l, 1)
	require.Len(t, records, 2)
	require.Equal(t, uint64(3), records[1].Position)
	require.Equal(t, uint64(1), l.Stats().Damaged)
}

func TestTheMarkSurvivesTheLossOfEitherSlot(t *testing.T) {
	for slot := range markSlots {
		d := newMemory()
		l := openMemory(t, d, Options{})
		for range 3 {
			put(t, l, 1, "x")
		}
		require.NoError(t, l.Release(1))
		require.NoError(t, l.Release(2))
		require.NoError(t, l.Close())
		d.flip(markName, slot*markStride+20, 1)
		l = openMemory(t, d, Options{})
		require.Contains(t, []uint64{1, 2}, l.Released())
		require.Len(t, rest(t, l, 1), 3)
		require.NoError(t, l.Close())
	}
}

func TestPositionsGoOnWhenEverySegmentIsLost(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	for range 3 {
		put(t, l, 7, "x")
	}
	require.NoError(t, l.Close())
	d.set(func() { delete(d.files, segmentName(1)) })
	l = openMemory(t, d, Options{})
	require.Equal(t, uint64(4), put(t, l, 1, "y"))
	require.Equal(t, []Record{{4, 1, 22, []byte("y")}}, rest(t, l, 1))
}

func TestALateSyncThatFailsIsCountedAndEndsTheSegment(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{Sync: SyncInterval, SyncEvery: 1 << 60})
	put(t, l, 1, strings.Repeat("x", 3000))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Reader(1).Next(ctx)
	require.ErrorIs(t, err, context.Canceled, "it is not durable yet")
	d.set(func() { d.failSync = 1 })
	put(t, l, 1, strings.Repeat("x", 3000)) // begins a segment, hence syncs the first
	require.Equal(t, uint64(1), l.Stats().SyncFailures)
	require.Len(t, rest(t, l, 1), 1)
}
