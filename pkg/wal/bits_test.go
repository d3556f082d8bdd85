package wal

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// everyBit in the environment flips all 524,288 bits instead of every 17th.
const everyBit = "TRIFLOW_WAL_TEST_EVERY_BIT"

var bitOptions = Options{SegmentBytes: 64 << 10}

// openBits opens the log on d with segments of 64 KiB.
func openBits(d disk) (*Log, error) {
	o := bitOptions
	if err := o.complete(); err != nil {
		return nil, err
	}
	return open(d, o)
}

// fill gives a disk whose first segment is full, and sealed by the next; the spot of each record in it, and the total
// weight of all.
func fill(t *testing.T) (*memory, map[uint64]spot, []Record) {
	d := newMemory()
	l, err := openBits(d)
	require.NoError(t, err)
	for i := 0; l.Stats().Segments < 2; i++ {
		put(t, l, i%4+1, strings.Repeat("x", 300+i*37%900))
	}
	m := model{log: l}
	spots, records := m.spots(), rest(t, l, 1)
	require.NoError(t, l.Close())
	return d, spots, records
}

func TestAFlippedBitCostsTheRecordThatItHits(t *testing.T) {
	d, spots, records := fill(t)
	stride, name := 17, segmentName(1)
	if os.Getenv(everyBit) != "" {
		stride = 1
	}
	const parts = 4
	for part := range parts {
		t.Run(fmt.Sprintf("part %d", part), func(t *testing.T) {
			t.Parallel()
			d := d.clone()
			data := d.files[name].data
			for bit := part * stride; bit < 8*len(data); bit += parts * stride {
				want := Stats{}
				hit := uint64(0)
				for p, s := range spots {
					if s.name == name && int64(bit/8) >= s.start && int64(bit/8) < s.end {
						hit = p
						want = Stats{Damaged: 1, LostRecords: 1, LostWeight: records[p-1].Weight}
					}
				}
				if bit < 8*headerBytes {
					want.Damaged = 1
				}
				data[bit/8] ^= 1 << (bit % 8)
				require.NoError(t, survives(d, records, hit, want), "bit %d, in record %d", bit, hit)
				data[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
}

// survives opens what has damage in the record hit, or in none when it is 0, and says what is wrong beyond that.
func survives(d *memory, records []Record, hit uint64, want Stats) error {
	l, err := openBits(d)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // on a disk without faults
	read, err := readAll(l, 1)
	if err != nil {
		return err
	}
	for _, r := range records {
		switch {
		case r.Position == hit:
			continue
		case len(read) == 0:
			return fmt.Errorf("record %d is gone", r.Position)
		case read[0].Position != r.Position || string(read[0].Data) != string(r.Data) || read[0].Total != r.Total:
			return fmt.Errorf("record %d in the place of %d", read[0].Position, r.Position)
		}
		read = read[1:]
	}
	if len(read) > 0 {
		return fmt.Errorf("record %d was hit and is read", read[0].Position)
	}
	s := l.Stats()
	got := Stats{Damaged: s.Damaged, LostRecords: s.LostRecords, LostWeight: s.LostWeight}
	if got != want || s.Segments != 2 || s.Torn != 0 {
		return fmt.Errorf("stats are %+v, want %+v", s, want)
	}
	return nil
}
