package wal

import (
	"maps"
	"math/rand/v2"
	"slices"
)

const sector = 512

// fate says what a cut leaves of what was not synced. The changes of the folder are in a journal, as in the usual file
// systems: a number of the first ones survives. Writes survive each by itself.
type fate struct {
	folder func(n int) int       // so many of n changes
	prefix func(n int) int       // so many of the n bytes of a write
	sector func(number int) bool // whether that sector of a file takes part in a write
}

// all is what the death of a process leaves, nothing what a cut leaves at least.
func all(n int) int { return n }

func nothing(int) int { return 0 }

func always(int) bool { return true }

// chance is a cut where all is up to the dice.
func chance(rng *rand.Rand) fate {
	some := func(n int) int {
		switch rng.IntN(3) {
		case 0:
			return 0
		case 1:
			return n
		}
		return rng.IntN(n + 1)
	}
	return fate{folder: some, prefix: some, sector: func(int) bool { return rng.IntN(3) > 0 }}
}

// cut gives the disk after a loss of power.
func (d *memory) cut(w fate) *memory {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := maps.Clone(d.synced)
	for _, change := range d.pending[:w.folder(len(d.pending))] {
		change(names, d.inodes)
	}
	after := newMemory()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		after.add(name, names[name].survive(w))
	}
	return after
}

// survive is what a cut leaves of f.
func (f *memoryFile) survive(w fate) []byte {
	data := slices.Clone(f.solid)
	for _, c := range f.pending {
		if c.data != nil {
			c.data = c.data[:w.prefix(len(c.data))]
		} else if w.prefix(1) == 0 {
			continue
		}
		data = c.apply(data, w.sector)
	}
	return data
}

// settle is a sync, or the failure of one.
func (f *memoryFile) settle(fails bool) {
	var rest []change
	for _, c := range f.pending {
		if c.lost = c.lost || fails; c.lost {
			rest = append(rest, c)
			continue
		}
		f.solid = c.apply(f.solid, always)
	}
	f.pending = rest
}

// apply makes the change in those sectors of data that it is allowed to touch.
func (c change) apply(data []byte, allowed func(number int) bool) []byte {
	if c.data == nil {
		if c.at < len(data) {
			return slices.Clone(data[:c.at])
		}
		return append(data, make([]byte, c.at-len(data))...)
	}
	if len(c.data) > 0 && c.at+len(c.data) > len(data) {
		data = append(data, make([]byte, c.at+len(c.data)-len(data))...)
	}
	for from := 0; from < len(c.data); {
		number := (c.at + from) / sector
		to := min((number+1)*sector-c.at, len(c.data))
		if allowed(number) {
			copy(data[c.at+from:], c.data[from:to])
		}
		from = to
	}
	return data
}

// clone is another disk in the same state.
func (d *memory) clone() *memory {
	d.mu.Lock()
	defer d.mu.Unlock()
	same := newMemory()
	same.pending = slices.Clone(d.pending)
	for _, f := range d.inodes {
		same.inodes = append(same.inodes, &memoryFile{
			disk: same, number: f.number, data: slices.Clone(f.data), solid: slices.Clone(f.solid), pending: slices.Clone(f.pending),
		})
	}
	for name, f := range d.files {
		same.files[name] = same.inodes[f.number]
	}
	for name, f := range d.synced {
		same.synced[name] = same.inodes[f.number]
	}
	return same
}
