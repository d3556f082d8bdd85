package wal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// restore reads the folder and gives the position of the next record. Every record is checked, so that Stats tells
// all damage, and what only the page cache holds after the death of the process before is synced. Nothing is changed
// before all versions are known.
func (l *Log) restore() (next uint64, err error) {
	names, err := l.disk.List()
	if err != nil {
		return 0, err
	}
	slots, err := l.openMarks(names)
	if err != nil {
		return 0, err
	}
	headers, err := l.openSegments(names)
	if err != nil {
		return 0, err
	}
	if err := l.tidy(names); err != nil {
		return 0, err
	}
	k := l.recall(slots)
	next = k.given + 1
	for i := range l.segments {
		if next, err = l.check(headers, i, next, k); err != nil {
			return 0, err
		}
	}
	if len(l.segments) == 0 {
		l.lost(k.last-min(k.last, k.released), 0)
	}
	l.position, l.newest = next-1, max(l.newest, k.last)
	if l.id == 0 {
		if l.id, err = newID(); err != nil {
			return 0, err
		}
	}
	l.reserved = l.ahead(next)
	if err := l.restoreMarks(slots); err != nil {
		return 0, err
	}
	return next, l.release()
}

// openMarks opens the files of the marks that are there, the log's own first, and gives what they say; nil stands for
// what cannot be read.
func (l *Log) openMarks(names []string) ([]*slot, error) {
	l.own = l.newMark("")
	l.addMark(l.own)
	for _, file := range names {
		if name, ok := parseMarkName(file); ok && name != "" {
			l.addMark(l.newMark(name))
		}
	}
	slots := make([]*slot, len(l.marks))
	for i, m := range l.marks {
		if !slices.Contains(names, m.file.name) {
			continue
		}
		var err error
		if m.file.file, err = l.disk.Open(m.file.name); err != nil {
			return nil, err
		}
		s, ok, err := m.file.read()
		if err != nil {
			return nil, err
		}
		if ok {
			slots[i] = &s
		}
	}
	return slots, nil
}

// openSegments opens the segments and gives their headers, nil for those that cannot be read.
func (l *Log) openSegments(names []string) ([]*segmentHeader, error) {
	for _, name := range names {
		base, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		f, err := l.disk.Open(name)
		if err != nil {
			return nil, err
		}
		s := &segment{name: name, file: f, base: base, end: headerBytes, last: base - 1}
		l.segments = append(l.segments, s)
		if s.size, err = f.Size(); err != nil {
			return nil, err
		}
	}
	sort.Slice(l.segments, func(i, j int) bool { return l.segments[i].base < l.segments[j].base })
	headers := make([]*segmentHeader, len(l.segments))
	for i, s := range l.segments {
		b := make([]byte, headerBytes)
		if _, err := s.file.ReadAt(b, 0); err != nil {
			continue
		}
		if err := refuseNewer(b, segmentMagic); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		if h, ok := decodeSegmentHeader(b); ok && h.base == s.base {
			headers[i] = &h
		}
	}
	return headers, nil
}

// tidy clears what was in the making, and gathers the spares of the right size.
func (l *Log) tidy(names []string) error {
	for _, name := range names {
		var err error
		switch {
		case strings.HasSuffix(name, makingSuffix):
			err = l.disk.Remove(name)
		case strings.HasSuffix(name, spareSuffix):
			err = l.openSpare(name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// openSpare keeps a spare of the right size and removes others.
func (l *Log) openSpare(name string) error {
	f, err := l.disk.Open(name)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if !l.spareable(size) {
		return l.disk.Remove(name)
	}
	l.spares = append(l.spares, spare{name, size})
	return nil
}

// known is what the marks remember of the log.
type known struct {
	last, total uint64 // a record that was durable
	given       uint64
	released    uint64 // nobody misses what is up to it; the highest number when no mark can be read
}

// recall sums up the marks that belong to the log, whose id comes from its own mark, or from whatever else has one.
func (l *Log) recall(slots []*slot) known {
	for _, s := range slots {
		if s != nil && l.id == 0 {
			l.id = s.id
		}
	}
	k := known{released: ^uint64(0)}
	for i, s := range slots {
		if s == nil || s.id != l.id {
			slots[i] = nil
			continue
		}
		k.last, k.total, k.given = max(k.last, s.last), max(k.total, s.total), max(k.given, s.given)
		k.released = min(k.released, s.released)
	}
	l.total = k.total
	return k
}

// restoreMarks puts the marks where they were. One that cannot be read, or lags behind what is there, begins with what
// is there: what a destination gets twice costs less than what it does not get.
func (l *Log) restoreMarks(slots []*slot) error {
	var start place
	if len(l.segments) > 0 {
		start = l.segments[0].start()
	}
	for i, m := range l.marks {
		m.at = start
		if s := slots[i]; s != nil && s.released > start.position {
			m.at = l.locate(start, min(s.released, l.position))
		}
		write := m.file.settle
		if m.file.file == nil {
			write = m.file.create
		}
		if err := write(m.slot()); err != nil {
			return err
		}
	}
	return l.disk.Sync()
}

func newID() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, err
	}
	return little.Uint64(b[:]) | 1, nil
}
