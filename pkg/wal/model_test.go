package wal

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is what a log promises: every acknowledged record, until it is released.
type model struct {
	disk     *memory
	log      *Log
	other    *Mark             // the second
	stored   map[uint64]Record // acknowledged
	failed   map[string]bool   // data whose append failed: it may come out or not
	highest  uint64            // no position up to it may be given again
	released uint64            // by all marks, as far as a cut may have kept it
	second   uint64            // by the mark of that name, which may be forgotten and made again
	damaged  bool
}

var modelOptions = Options{SegmentBytes: 4096, MaxBytes: 64 << 10}

func (m *model) open(t *rapid.T) {
	o := modelOptions
	require.NoError(t, o.complete())
	l, err := open(m.disk, o)
	require.NoError(t, err)
	m.log = l
	m.mark(t)
	for p := range m.stored { // a mark may only go over positions that were never given
		require.False(t, m.released < p && p <= l.Released(), "the mark has gone over record %d", p)
		require.False(t, m.second < p && p <= m.other.Released(), "the second mark has gone over record %d", p)
	}
}

// mark gets the second mark. When the disk had no room for it, or the log is new, that is made again.
func (m *model) mark(t *rapid.T) {
	full := m.disk.full
	m.disk.full = false
	other, err := m.log.Mark("second")
	require.NoError(t, err)
	m.disk.full = full
	m.other = other
}

func (m *model) append(t *rapid.T) {
	data := rapid.StringN(0, 40, 900).Draw(t, "data")
	weight := rapid.IntRange(0, 9).Draw(t, "weight")
	p, err := m.log.Append(context.Background(), weight, []byte(data))
	if err != nil {
		m.failed[data] = true
		return
	}
	require.Greater(t, p, m.highest, "a position was given twice")
	m.highest = p
	m.stored[p] = Record{Position: p, Weight: uint64(weight), Data: []byte(data)}
}

// check compares what is read with what was acknowledged.
func (m *model) check(t *rapid.T) {
	last, total := uint64(0), uint64(0)
	read := make(map[uint64]bool)
	for _, r := range rest(t, m.log, 1) {
		require.Greater(t, r.Position, last)
		require.GreaterOrEqual(t, r.Total, total+r.Weight)
		last, total, read[r.Position] = r.Position, r.Total, true
		if want, ok := m.stored[r.Position]; ok {
			require.Equal(t, string(want.Data), string(r.Data))
			require.Equal(t, want.Weight, r.Weight)
		} else {
			require.True(t, m.failed[string(r.Data)], "record %d was never appended", r.Position)
			m.highest = max(m.highest, r.Position)
		}
	}
	if m.damaged {
		return
	}
	for p := range m.stored {
		require.True(t, p <= min(m.released, m.second) || read[p], "record %d was acknowledged and is gone", p)
	}
}

func TestWhatIsAcknowledgedIsReadBackWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{disk: newMemory(), stored: make(map[uint64]Record), failed: make(map[string]bool)}
		m.open(t)
		defer func() { require.NoError(t, m.log.Close()) }()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"more":   m.append,
			"release": func(t *rapid.T) {
				p := rapid.Uint64Range(0, m.highest).Draw(t, "position")
				require.NoError(t, m.log.Release(p))
				m.released = max(m.released, p)
			},
			"release the second": func(t *rapid.T) {
				p := rapid.Uint64Range(0, m.highest).Draw(t, "position")
				require.NoError(t, m.other.Release(p))
				m.second = max(m.second, p)
			},
			"forget the second": func(t *rapid.T) {
				require.NoError(t, m.log.Forget("second"))
				m.mark(t) // begins where the log's own stands
				m.second = max(m.second, m.released)
			},
			"restart": func(t *rapid.T) {
				own, second := m.log.Released(), m.other.Released()
				require.NoError(t, m.log.Close())
				m.open(t)
				require.GreaterOrEqual(t, m.log.Released(), own)
				require.GreaterOrEqual(t, m.other.Released(), second)
			},
			"power cut": func(t *rapid.T) {
				after := m.disk.cut(chance(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "chance"), 0))))
				require.NoError(t, m.log.Close()) // it writes to the disk from before the cut
				m.disk = after
				m.open(t)
				// What is behind an earlier release may be gone already, and more so when the log is opened.
				m.released, m.second = max(m.released, m.log.Released()), max(m.second, m.other.Released())
			},
			"sync fails": func(t *rapid.T) {
				m.disk.mu.Lock()
				m.disk.failSync = rapid.IntRange(1, 3).Draw(t, "times")
				m.disk.mu.Unlock()
				m.append(t)
				m.disk.mu.Lock()
				m.disk.failSync = 0
				m.disk.mu.Unlock()
			},
			"disk is full for a while": func(t *rapid.T) {
				m.disk.mu.Lock()
				m.disk.full = !m.disk.full
				m.disk.mu.Unlock()
			},
			"": m.check,
		})
	})
}

func TestDamageCostsOnlyWhatItHit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{disk: newMemory(), stored: make(map[uint64]Record), failed: make(map[string]bool)}
		m.open(t)
		for range rapid.IntRange(1, 40).Draw(t, "records") {
			m.append(t)
		}
		spots := m.spots()
		require.NoError(t, m.log.Close())

		name := rapid.SampledFrom(names(m.disk)).Draw(t, "file")
		f := m.disk.files[name]
		from := rapid.IntRange(0, len(f.data)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(f.data)).Draw(t, "to")
		if rapid.Bool().Draw(t, "cut off") {
			to = len(f.data)
			f.data = f.data[:from]
		} else {
			for i := from; i < to; i++ {
				f.data[i] ^= 0x55
			}
		}
		m.damaged = true
		m.open(t)
		defer func() { require.NoError(t, m.log.Close()) }()
		m.check(t)
		read := make(map[uint64]bool)
		for _, r := range rest(t, m.log, 1) {
			read[r.Position] = true
		}
		for p, s := range spots {
			hit := s.name == name && int64(from) < s.end && int64(to) > s.start
			require.True(t, hit || read[p], "record %d at %s %d was not hit", p, s.name, s.start)
			require.False(t, hit && read[p], "record %d was hit", p)
		}
		m.append(t)
		m.check(t)
	})
}

// spot is where a record lies.
type spot struct {
	name       string
	start, end int64
}

// spots finds all records.
func (m *model) spots() map[uint64]spot {
	out := make(map[uint64]spot)
	for _, s := range m.log.segments {
		sc := scanner{file: s.file, id: m.log.id, offset: headerBytes, end: s.end, after: s.base - 1}
		for f, ok := sc.next(0); ok; f, ok = sc.next(0) {
			out[f.position] = spot{s.name, sc.offset - f.size(), sc.offset - f.size() + recordBytes + int64(f.length)}
		}
	}
	return out
}

func names(d *memory) (out []string) {
	all, _ := d.List() // cannot fail
	for _, name := range all {
		if strings.HasSuffix(name, segmentSuffix) {
			out = append(out, name)
		}
	}
	return out
}
