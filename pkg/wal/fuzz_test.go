package wal

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

const fuzzID = 7

// segmentOf lays records out as the writer does.
func segmentOf(payloads ...[]byte) []byte {
	var batch []*request
	for _, p := range payloads {
		r := newRequest()
		if err := r.fill(1, [][]byte{p}, 1<<20, 0, 0); err != nil {
			panic(err)
		}
		batch = append(batch, r)
	}
	var y layout
	y.set(fuzzID, 0, 0, batch)
	return append(segmentHeader{id: fuzzID, base: 1}.encode(), bytes.Join(y.parts, nil)...)
}

// FuzzScanner reads anything: it ends, positions rise, and a payload has the sum that its header signs.
func FuzzScanner(f *testing.F) {
	good := segmentOf([]byte("one"), nil, bytes.Repeat([]byte("three"), 100))
	f.Add(good)
	f.Add(good[:len(good)-20])
	f.Add(append(bytes.Clone(good[:headerBytes+48]), good[headerBytes:]...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newMemory()
		file := d.add(segmentName(1), data)
		sc := scanner{file: file, id: fuzzID, offset: headerBytes, end: int64(len(data))}
		last := uint64(0)
		for {
			r, ok := sc.next(0)
			if !ok {
				break
			}
			require.Greater(t, r.position, last)
			require.LessOrEqual(t, len(r.payload), len(data))
			last = r.position
		}
		sc.clean(int64(len(data)))
		if len(data) >= headerBytes {
			decodeSegmentHeader(data[:headerBytes])
			decodeSlot(data[:headerBytes])
		}
	})
}

// FuzzOpen puts anything into the folder: Open does not fail, and what is appended afterwards is read back.
func FuzzOpen(f *testing.F) {
	f.Add(segmentOf([]byte("one"), []byte("two")), slot{id: fuzzID, sequence: 1, released: 1, last: 2, total: 2}.encode())
	f.Add([]byte("short"), []byte{})
	f.Fuzz(func(t *testing.T, segment, markBytes []byte) {
		if v, ok := blockVersion(segment[:min(len(segment), headerBytes)], segmentMagic); ok && v != version {
			t.Skip("a newer format is refused")
		}
		for at := 0; at < len(markBytes); at += markStride {
			if refuseNewer(markBytes[at:min(len(markBytes), at+headerBytes)], markMagic) != nil {
				t.Skip("a newer format is refused")
			}
		}
		d := newMemory()
		d.add(segmentName(1), segment)
		d.add(markName, markBytes)
		l := openMemory(t, d, Options{})
		if l.Stats().Position > 1<<62 {
			t.Skip("positions of a forged file have come to their end")
		}
		p := put(t, l, 1, "new")
		records := rest(t, l, p)
		require.Len(t, records, 1)
		require.Equal(t, "new", string(records[0].Data))
	})
}
