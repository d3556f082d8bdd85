package wal

import (
	"cmp"
	"slices"
	"sort"
)

// indexStride is how far apart, at least, the places are that a segment remembers: 0.1 % of its size in memory.
const indexStride = 32 << 10

// place is a spot between two records: all up to position are before it and weigh total, counted from the beginning of
// the log, and the next one is at offset in the segment of that base, or behind it.
type place struct {
	position, total uint64
	base            uint64
	offset          int64
}

// start is the place before the first record of s.
func (s *segment) start() place {
	return place{position: s.base - 1, total: s.baseTotal, base: s.base, offset: headerBytes}
}

// finish is the place behind the last record of s; Log.mu is held.
func (s *segment) finish() place {
	return place{position: s.last, total: s.total, base: s.base, offset: s.end}
}

// near gives the last place in s that is known and not behind position; Log.mu is held.
func (s *segment) near(position uint64) place {
	if position >= s.last {
		return s.finish()
	}
	n, found := slices.BinarySearchFunc(s.index, position, func(p place, position uint64) int {
		return cmp.Compare(p.position, position)
	})
	switch {
	case found:
		return s.index[n]
	case n > 0:
		return s.index[n-1]
	}
	return s.start()
}

// note remembers p when it is far enough behind the one before; Log.mu is held.
func (s *segment) note(p place) {
	last := int64(headerBytes)
	if n := len(s.index); n > 0 {
		last = s.index[n-1].offset
	}
	if p.offset >= last+indexStride {
		s.index = append(s.index, p)
	}
}

// holding gives the number of the segment that position is in, or would be: the last that begins at or before it, else
// the first; Log.mu is held.
func (l *Log) holding(position uint64) int {
	return max(sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base > position })-1, 0)
}

// locate finds the place right behind position, which is durable, on the way from an earlier place. It reads headers
// of the at most indexStride bytes of records that the index leaves out.
func (l *Log) locate(from place, position uint64) place {
	l.mu.Lock()
	if len(l.segments) == 0 {
		defer l.mu.Unlock()
		return place{position: position, total: l.total}
	}
	s := l.segments[l.holding(position)]
	at := s.near(position)
	if from.base == s.base && from.position > at.position {
		at = from
	}
	s.refs++
	end := s.end
	l.mu.Unlock()
	defer l.leave(s)
	sc := scanner{file: s.file, id: l.id, offset: at.offset, end: end, after: at.position}
	for at.position < position {
		h, ok := sc.step()
		if !ok || h.position > position {
			break
		}
		at = place{position: h.position, total: h.total, base: s.base, offset: sc.offset}
	}
	at.position = position // also when that record is damaged, or was never there
	return at
}

// behind counts the durable records behind p, and their bytes; mu is held.
func (l *Log) behind(p place) (records uint64, bytes int64) {
	for i := len(l.segments) - 1; i >= 0 && l.segments[i].base >= p.base; i-- {
		s := l.segments[i]
		from := s.start()
		if s.base == p.base {
			from = p
		}
		records += max(s.last, from.position) - from.position
		bytes += max(s.end, from.offset) - from.offset
	}
	return records, bytes
}

// Within gives the earliest position known behind which the records take at most so many bytes; at 0 bytes it is the
// newest. It may leave out up to 32 KiB and a record that would fit. A Release of it drops the oldest of what a mark is
// behind by; ReleasedTotal before and after tells what that was.
func (l *Log) Within(bytes int64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.segments) - 1; i >= 0; i-- {
		s := l.segments[i]
		if size := s.end - headerBytes; size <= bytes {
			bytes -= size
			continue
		}
		n := sort.Search(len(s.index), func(n int) bool { return s.end-s.index[n].offset <= bytes })
		if n < len(s.index) {
			return min(s.index[n].position, l.position)
		}
		return min(s.last, l.position)
	}
	if len(l.segments) == 0 {
		return l.position
	}
	return l.segments[0].base - 1
}
