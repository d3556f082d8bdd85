package wal

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASegmentStaysUntilEveryMarkIsPastIt(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	slow, err := l.Mark("slow-1")
	require.NoError(t, err)
	for range 12 { // four in a segment
		put(t, l, 2, strings.Repeat("x", 960))
	}
	require.NoError(t, l.Release(10))
	require.Len(t, rest(t, l, 1), 12)
	require.NoError(t, slow.Release(5))
	require.Len(t, rest(t, l, 1), 8)
	same, err := l.Mark("slow-1")
	require.NoError(t, err)
	require.Same(t, slow, same)
	require.Equal(t, []MarkStats{
		{Released: 10, ReleasedTotal: 20, Bytes: 2 * 1000, Records: 2, Weight: 4},
		{Name: "slow-1", Released: 5, ReleasedTotal: 10, Bytes: 7 * 1000, Records: 7, Weight: 14},
	}, l.Marks())
	require.NoError(t, l.Forget("slow-1"))
	require.NoError(t, l.Forget("slow-1"), "there is none any more")
	require.Len(t, rest(t, l, 1), 4)
	require.ErrorContains(t, slow.Release(9), "forgotten")
	require.NotContains(t, d.files, "mark-slow-1")
}

func TestAMarkIsThereAfterARestartAndHoldsTheLog(t *testing.T) {
	dir := t.TempDir()
	for round := range uint64(3) {
		l := openLog(t, dir, Options{})
		m, err := l.Mark("backend")
		require.NoError(t, err)
		require.Equal(t, round*4, m.Released())
		require.Equal(t, round*12, m.Stats().ReleasedTotal)
		for range 8 {
			put(t, l, 3, strings.Repeat("x", 960))
		}
		require.NoError(t, l.Release(1<<60))
		require.NoError(t, m.Release(round*4+4))
		require.Equal(t, round*4+5, rest(t, l, m.Released()+1)[0].Position)
		require.NoError(t, l.Close())
	}
}

func TestANewMarkBeginsWhereTheLogsOwnStands(t *testing.T) {
	l := openMemory(t, newMemory(), Options{})
	for range 3 {
		put(t, l, 1, "x")
	}
	require.NoError(t, l.Release(2))
	m, err := l.Mark("late")
	require.NoError(t, err)
	require.Equal(t, uint64(2), m.Released())
	require.Equal(t, uint64(1), m.Stats().Weight)
}

func TestAMarkThatCannotBeReadBeginsWithWhatIsThere(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	_, err := l.Mark("hit")
	require.NoError(t, err)
	for range 12 {
		put(t, l, 1, strings.Repeat("x", 960))
	}
	require.NoError(t, l.Release(6))
	require.NoError(t, l.Close())
	for slot := range markSlots {
		d.flip("mark-hit", slot*markStride+20, 1)
	}
	l = openMemory(t, d, Options{})
	require.Equal(t, uint64(6), l.Released())
	m, err := l.Mark("hit")
	require.NoError(t, err)
	require.Zero(t, m.Released())
	require.Zero(t, l.Stats().LostRecords)
}

func TestAMarkNeedsAName(t *testing.T) {
	l := openMemory(t, newMemory(), Options{})
	for _, name := range []string{"", "A", "a/b", "a.tmp", strings.Repeat("x", 65)} {
		_, err := l.Mark(name)
		require.ErrorContains(t, err, "want 1 to 64 of a-z, 0-9 and -")
		require.Error(t, l.Forget(name))
	}
}

func TestAMarkOfANewerFormatIsRefusedAndLeftAlone(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	require.NoError(t, l.Close())
	b := d.files[markName].data
	for at := 0; at < len(b); at += markStride {
		little.PutUint32(b[at+8:], version+1)
		little.PutUint32(b[at+12:], blockSum(b[at:at+headerBytes]))
	}
	d.add("junk.tmp", nil)
	before := slices.Clone(b)
	o := modelOptions
	require.NoError(t, o.complete())
	_, err := open(d, o)
	require.ErrorIs(t, err, errVersion)
	require.Equal(t, before, d.files[markName].data)
	require.Contains(t, d.files, "junk.tmp")
}

func TestALaggardCanGiveUpItsOldest(t *testing.T) {
	l := openMemory(t, newMemory(), Options{})
	for range 12 {
		put(t, l, 1, strings.Repeat("x", 960))
	}
	require.Equal(t, uint64(12), l.Within(0))
	require.Equal(t, uint64(8), l.Within(5000))
	require.Zero(t, l.Within(1<<40))
	require.NoError(t, l.Release(l.Within(5000)))
	require.LessOrEqual(t, l.Marks()[0].Bytes, int64(5000))
}

func TestAReaderGoesWhereItIsTold(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{SegmentBytes: 256 << 10})
	for range 40 {
		put(t, l, 1, strings.Repeat("x", 20<<10))
	}
	r := l.Reader(1)
	for _, position := range []uint64{1, 30, 31, 7, 40, 12} {
		r.Seek(position)
		record, err := r.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, position, record.Position)
	}
	r.Seek(41)
	put(t, l, 1, "new")
	record, err := r.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(41), record.Position)
	require.Zero(t, l.Stats().Damaged)
}

func TestALowerLimitRefusesUntilThereIsRoomAndThenHolds(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{MaxBytes: 8 * 4096})
	data := strings.Repeat("x", 3000) // one in a segment
	for range 8 {
		put(t, l, 1, data)
	}
	require.NoError(t, l.Release(2))
	require.NoError(t, l.Close())
	l = openMemory(t, d, Options{MaxBytes: 3 * 4096})
	require.Len(t, rest(t, l, 3), 6)
	_, err := l.Append(t.Context(), 1, []byte(data))
	require.ErrorIs(t, err, ErrFull)
	require.NoError(t, l.Release(7))
	require.Equal(t, uint64(9), put(t, l, 1, data))
	require.LessOrEqual(t, l.Stats().Bytes, int64(3*4096))
}

func TestWhatAMarkHasSeenAtTheEndIsCountedWhenItIsGone(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	for range 3 {
		put(t, l, 5, "x")
	}
	require.NoError(t, l.Close())
	d.flip(segmentName(1), headerBytes+2*int(recordSize(1))+20, 1) // the header of record 3
	l = openMemory(t, d, Options{})
	require.Equal(t, uint64(1), l.Stats().LostRecords)
	require.Equal(t, uint64(5), l.Stats().LostWeight)
	require.Equal(t, uint64(1), l.Stats().Torn)
}

func TestAMarkFileWhoseSyncFailedIsMadeAnewAndNotSyncedAgain(t *testing.T) {
	d := newMemory()
	l := openMemory(t, d, Options{})
	for range 12 { // four in a segment
		put(t, l, 1, strings.Repeat("x", 960))
	}
	broken := d.files[markName]
	d.set(func() { d.failSync = 1 })
	require.ErrorIs(t, l.Release(6), errBroken)
	require.Contains(t, d.files, segmentName(1), "nothing goes before the mark is on disk")
	require.Len(t, rest(t, l, 1), 12)

	require.NoError(t, l.Release(7))
	require.NotContains(t, d.files, segmentName(1))
	require.NotSame(t, broken, d.files[markName])
	require.True(t, broken.pending[len(broken.pending)-1].lost, "not written after its failure")
	l = openMemory(t, d.cut(fate{nothing, nothing, always}), Options{})
	require.Equal(t, uint64(7), l.Released())
	require.Len(t, rest(t, l, 1), 8)
	require.Zero(t, l.Stats().Damaged)
}
