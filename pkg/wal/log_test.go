package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(appendUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

// openLog opens dir with small segments and closes it at the end of the test.
func openLog(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 4096
	}
	l, err := Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func put(t testing.TB, l *Log, weight int, data string) uint64 {
	t.Helper()
	p, err := l.Append(context.Background(), weight, []byte(data))
	require.NoError(t, err)
	return p
}

// rest reads from position to the newest record.
func rest(t require.TestingT, l *Log, from uint64) []Record {
	out, err := readAll(l, from)
	require.NoError(t, err)
	return out
}

// readAll is rest, for who has no test.
func readAll(l *Log, from uint64) (out []Record, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // Next still gives what is there
	r := l.Reader(from)
	for {
		rec, err := r.Next(ctx)
		switch {
		case errors.Is(err, context.Canceled):
			return out, nil
		case err != nil:
			return nil, err
		}
		out = append(out, rec)
	}
}

func TestRecordsComeBackInOrderWithPositionsAndTotals(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{})
	p, err := l.Append(t.Context(), 3, []byte("he"), nil, []byte("llo"))
	require.NoError(t, err)
	require.Equal(t, uint64(1), p)
	require.Equal(t, uint64(2), put(t, l, 0, ""))
	require.Equal(t, uint64(3), put(t, l, 4, "x"))
	require.Equal(t, []Record{{1, 3, 3, []byte("hello")}, {2, 0, 3, nil}, {3, 4, 7, []byte("x")}}, rest(t, l, 1))
	require.Len(t, rest(t, l, 3), 1)
}

func TestARecordOfKnownDigestIsTheSameAsAnother(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{})
	first := []byte("he")
	_, err := l.AppendDigested(t.Context(), 1, crc32.Checksum(first, castagnoli), first, []byte("llo"))
	require.NoError(t, err)
	_, err = l.AppendDigested(t.Context(), 1, 0, nil, []byte("hello"))
	require.NoError(t, err)
	_, err = l.AppendDigested(t.Context(), 1, 1, first)
	require.NoError(t, err)
	require.Equal(t, uint64(4), put(t, l, 1, "hello"))
	require.Equal(t, []Record{{1, 1, 1, []byte("hello")}, {2, 1, 2, []byte("hello")}, {4, 1, 4, []byte("hello")}}, rest(t, l, 1),
		"but the one whose digest was wrong, which is counted")
	require.Equal(t, uint64(1), l.Stats().Damaged)
}

func TestPositionsAndTotalsGoOnWhenAllWasReleased(t *testing.T) {
	dir := t.TempDir()
	for round := range uint64(4) {
		l, err := Open(dir, Options{SegmentBytes: 4096})
		require.NoError(t, err)
		require.Equal(t, round*20, l.Released())
		for i := range uint64(20) {
			require.Equal(t, round*20+i+1, put(t, l, 2, string(make([]byte, 900))))
		}
		require.NoError(t, l.Release(1<<60))
		s := l.Stats()
		require.Equal(t, Stats{
			Bytes: s.Bytes, Segments: 1, Spares: s.Spares, Position: 20 * (round + 1), Total: 40 * (round + 1),
			Released: 20 * (round + 1), Records: 20, Syncs: 20,
		}, s)
		require.NoError(t, l.Close())
	}
}

func TestAReaderWaitsForMoreAndEndsWithTheLog(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{})
	got := make(chan error)
	go func() {
		r := l.Reader(0)
		rec, err := r.Next(t.Context())
		if err == nil && string(rec.Data) != "late" {
			err = fmt.Errorf("read %q", rec.Data)
		}
		got <- err
		_, err = r.Next(t.Context())
		got <- err
	}()
	put(t, l, 1, "late")
	require.NoError(t, <-got)
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-got, ErrClosed)
	_, err := l.Append(t.Context(), 1, nil)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, l.Release(1), ErrClosed)
}

func TestAFullLogRefusesUntilSomethingIsReleased(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{MaxBytes: 3 * 4096})
	data := string(make([]byte, 1800))
	for range 6 {
		put(t, l, 1, data)
	}
	_, err := l.Append(t.Context(), 1, []byte(data))
	require.ErrorIs(t, err, ErrFull)
	require.NoError(t, l.Release(1))
	_, err = l.Append(t.Context(), 1, []byte(data))
	require.ErrorIs(t, err, ErrFull, "record 2 still needs the segment")
	require.NoError(t, l.Release(2))
	require.Equal(t, uint64(7), put(t, l, 1, data))
	require.Len(t, rest(t, l, 3), 5)
	require.LessOrEqual(t, l.Stats().Bytes, int64(3*4096))
}

func TestBadInputIsRefusedWithItsLimit(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{MaxRecordBytes: 10})
	_, err := l.Append(t.Context(), 1, make([]byte, 11))
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = l.Append(t.Context(), -1, nil)
	require.ErrorContains(t, err, "weight: -1, want at least 0")
	_, err = Open(t.TempDir(), Options{SegmentBytes: 100, MaxBytes: 1, Sync: 9, SyncEvery: -1})
	for _, field := range []string{"segment bytes: 100", "max bytes: 1", "sync: 9", "sync every: -1ns"} {
		require.ErrorContains(t, err, field)
	}
}

func TestASyncPolicyIsReadAsItIsWritten(t *testing.T) {
	for _, want := range []Sync{SyncAlways, SyncInterval, SyncNone} {
		text, err := want.MarshalText()
		require.NoError(t, err)
		var got Sync
		require.NoError(t, got.UnmarshalText(text))
		require.Equal(t, want, got)
	}
	var s Sync
	require.EqualError(t, s.UnmarshalText([]byte("never")), `sync: "never", want always, interval or none`)
	require.Equal(t, "Sync(9)", Sync(9).String())
}

func TestASecondOwnerIsRefused(t *testing.T) {
	dir := t.TempDir()
	openLog(t, dir, Options{})
	_, err := Open(dir, Options{})
	require.ErrorIs(t, err, ErrInUse)
}

func TestANewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	put(t, l, 1, "x")
	require.NoError(t, l.Close())
	path := filepath.Join(dir, segmentName(1))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	little.PutUint32(b[8:], version+1)
	little.PutUint32(b[12:], blockSum(b[:headerBytes]))
	require.NoError(t, os.WriteFile(path, b, 0o600))
	_, err = Open(dir, Options{})
	require.ErrorContains(t, err, "version 2, want 1")
}

func TestCallersShareSyncsAndAllAreReadBack(t *testing.T) {
	for _, policy := range []Sync{SyncAlways, SyncInterval, SyncNone} {
		dir := t.TempDir()
		l := openLog(t, dir, Options{SegmentBytes: 64 << 10, Sync: policy})
		want := make([]map[uint64]string, 8)
		var wg sync.WaitGroup
		for g := range want {
			want[g] = make(map[uint64]string)
			wg.Go(func() {
				for i := range 100 {
					data := fmt.Sprintf("%d/%d/%s", g, i, bytes.Repeat([]byte{'x'}, i*7))
					p, err := l.Append(context.Background(), 1, []byte(data))
					if err != nil {
						t.Error(err)
						return
					}
					want[g][p] = data
				}
			})
		}
		read := make(chan int)
		go func() {
			r, n := l.Reader(1), 0
			for ; n < 800; n++ {
				if _, err := r.Next(context.Background()); err != nil {
					break
				}
			}
			read <- n
		}()
		wg.Wait()
		require.Equal(t, 800, <-read)
		require.NoError(t, l.Close())
		l = openLog(t, dir, Options{SegmentBytes: 64 << 10})
		records := rest(t, l, 1)
		require.Len(t, records, 800)
		for i, rec := range records {
			require.Equal(t, uint64(i+1), rec.Position)
			require.Equal(t, uint64(i+1), rec.Total)
			for _, m := range want {
				if data, ok := m[rec.Position]; ok {
					require.Equal(t, data, string(rec.Data))
				}
			}
		}
		require.NoError(t, l.Close())
	}
}

// poolForgets tells whether a pool loses what is put back, as it does one time in four under the race detector.
func poolForgets() bool {
	var p sync.Pool
	for range 1000 {
		p.Put(new(int))
		if p.Get() == nil {
			return true
		}
	}
	return false
}

func TestAnAppendAllocatesNothing(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{SegmentBytes: 8 << 20, Sync: SyncNone})
	header, payload := make([]byte, 13), make([]byte, 8<<10)
	ctx := context.Background()
	n := testing.AllocsPerRun(200, func() {
		if _, err := l.Append(ctx, 1, header, payload); err != nil {
			t.Error(err)
		}
	})
	if poolForgets() {
		require.LessOrEqual(t, n, 1.0, "what is made anew one time in four")
		return
	}
	require.Zero(t, n)
}
