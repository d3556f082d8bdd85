package wal

import (
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// letters names the records of a log by the first letter of what they hold.
func letters(t *testing.T, l *Log) string {
	var out strings.Builder
	for _, r := range rest(t, l, 1) {
		require.Equal(t, strings.Repeat(string(r.Data[:1]), len(r.Data)), string(r.Data), "never by half")
		out.WriteByte(r.Data[0])
	}
	return out.String()
}

// openAfter opens what the death of a process has left, or a loss of power.
func openAfter(t *testing.T, d *memory, w fate) (*memory, *Log) {
	after := d.cut(w)
	l, err := openBits(after)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return after, l
}

// whereIs gives the file and the place in it of the record that begins with letter.
func whereIs(t *testing.T, l *Log, letter byte) (*memoryFile, int64) {
	m := model{log: l}
	spots := m.spots()
	for _, r := range rest(t, l, 1) {
		if r.Data[0] == letter {
			s := spots[r.Position]
			return l.disk.(*memory).files[s.name], s.start
		}
	}
	t.Fatalf("record %c is not there", letter)
	return nil, 0
}

// TestFailedWritesAndSyncsCostNoAcknowledgedRecord is the story of a log on a bad disk. F differs from logs that
// refuse when fsync fails: here its append is stored once more in a new segment, and acknowledged after the first and
// only fsync of that one. On no account is an fsync tried again on the file where it failed.
func TestFailedWritesAndSyncsCostNoAcknowledgedRecord(t *testing.T) {
	dead := fate{all, all, always}
	power := fate{nothing, nothing, always}
	d, l := openAfter(t, newMemory(), dead)
	put(t, l, 1, strings.Repeat("A", 900))

	// The disk is full in the middle of B, and stays so for the second try.
	d.set(func() { d.room = 300 })
	_, err := l.Append(t.Context(), 1, []byte(strings.Repeat("B", 900)))
	require.ErrorIs(t, err, ErrFull, "which passes")
	require.ErrorIs(t, err, syscall.ENOSPC)
	d.set(func() { d.room = -1 })
	for _, r := range []string{strings.Repeat("C", 900), strings.Repeat("D", 40000), strings.Repeat("E", 40000)} {
		put(t, l, 1, r)
	}
	d, l = openAfter(t, d, dead)
	require.Equal(t, "ACDE", letters(t, l))
	require.Zero(t, l.Stats().LostRecords)

	// A byte in the middle flips.
	c, at := whereIs(t, l, 'C')
	d.set(func() { c.data[at+recordBytes+450] ^= 1; c.solid[at+recordBytes+450] ^= 1 })
	files := len(names(d))
	d, l = openAfter(t, d, dead)
	require.Equal(t, "ADE", letters(t, l))
	require.Equal(t, uint64(1), l.Stats().LostRecords)
	require.Equal(t, uint64(1), l.Stats().LostWeight)
	require.Len(t, names(d), files, "nothing is deleted")

	// fsync fails once, under F.
	put(t, l, 1, "f")
	active := d.files[names(d)[len(names(d))-1]]
	d.set(func() { d.failSync = 1 })
	put(t, l, 1, strings.Repeat("F", 100))
	segment := names(d)[len(names(d))-1]
	require.NotSame(t, active, d.files[segment], "a new segment")
	require.True(t, active.pending[len(active.pending)-1].lost, "the old file is not synced again")
	put(t, l, 1, strings.Repeat("G", 100))
	d, l = openAfter(t, d, power)
	require.Equal(t, "ADEfFG", letters(t, l))

	// A length of 2 GiB.
	a, at := whereIs(t, l, 'A')
	d.set(func() { little.PutUint32(a.data[at+8:], 1<<31-1); little.PutUint32(a.solid[at+8:], 1<<31-1) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d, l = openAfter(t, d, dead)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
	require.Equal(t, "DEfFG", letters(t, l))
	require.Equal(t, uint64(2), l.Stats().LostRecords, "A and C")

	// The end of the last segment is gone.
	g, at := whereIs(t, l, 'G')
	d.set(func() { g.data = g.data[:at+recordBytes+93]; g.solid = g.data })
	d, l = openAfter(t, d, dead)
	require.Equal(t, "DEfF", letters(t, l))
	require.Equal(t, uint64(1), l.Stats().Torn)

	// What was hit is set aside for a person when it is not needed any more, and the log goes on.
	p := put(t, l, 1, "H")
	require.NoError(t, l.Release(p))
	aside := 0
	all, err := d.List()
	require.NoError(t, err)
	for _, name := range all {
		if strings.HasSuffix(name, damagedSuffix) {
			aside++
		}
	}
	require.Equal(t, l.Stats().Quarantined, uint64(aside))
	require.GreaterOrEqual(t, aside, 2)
}
