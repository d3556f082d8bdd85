package wal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// errVersion says that a newer program wrote the file.
var errVersion = errors.New("unknown version")

// restore reads the folder and gives the position of the next record. Every record is checked, so that Stats tells
// all damage, and what only the page cache holds after the death of the process before is synced.
func (l *Log) restore() (next uint64, err error) {
	names, err := l.disk.List()
	if err != nil {
		return 0, err
	}
	m, err := l.openMark(names)
	if err != nil {
		return 0, err
	}
	l.id, l.released, l.position, l.total = m.id, m.released, m.last, m.total
	headers, err := l.openFiles(names)
	if err != nil {
		return 0, err
	}
	next = m.last + 1
	for i := range l.segments {
		if next, err = l.check(headers, i, next); err != nil {
			return 0, err
		}
	}
	l.position = next - 1
	if l.id == 0 {
		if l.id, err = newID(); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(l.mark.write(l.snapshot()), l.mark.sync(), l.disk.Sync()); err != nil {
		return 0, err
	}
	return next, l.releaseWhole()
}

// openMark opens or makes the mark file.
func (l *Log) openMark(names []string) (m mark, err error) {
	if !slices.Contains(names, markName) {
		l.mark.file, err = l.disk.Create(markName, markSlots*markStride)
		return mark{}, err
	}
	if l.mark.file, err = l.disk.Open(markName); err == nil {
		m, _ = l.mark.read() // a lost mark is a release that was lost: the zero mark has none
	}
	return m, err
}

// openFiles opens the segments and gives their headers, where these can be read; it takes the id of the log from them
// when the mark is lost, gathers the spares and clears what was in the making.
func (l *Log) openFiles(names []string) ([]*segmentHeader, error) {
	for _, name := range names {
		base, ok := parseSegmentName(name)
		var err error
		switch {
		case ok:
			err = l.openSegment(name, base)
		case strings.HasSuffix(name, makingSuffix):
			err = l.disk.Remove(name)
		case strings.HasSuffix(name, spareSuffix):
			err = l.openSpare(name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	sort.Slice(l.segments, func(i, j int) bool { return l.segments[i].base < l.segments[j].base })
	headers := make([]*segmentHeader, len(l.segments))
	for i, s := range l.segments {
		b := make([]byte, headerBytes)
		if _, err := s.file.ReadAt(b, 0); err != nil {
			continue
		}
		if v, ok := blockVersion(b, segmentMagic); ok && v != version {
			return nil, fmt.Errorf("%s: version %d, want %d: %w", s.name, v, version, errVersion)
		}
		h, ok := decodeSegmentHeader(b)
		if ok && l.id == 0 {
			l.id = h.id
		}
		if ok && h.id == l.id && h.base == s.base {
			headers[i], s.baseTotal = &h, h.baseTotal
		}
	}
	return headers, nil
}

func (l *Log) openSegment(name string, base uint64) error {
	f, err := l.disk.Open(name)
	if err != nil {
		return err
	}
	s := &segment{name: name, file: f, base: base, end: headerBytes, last: base - 1}
	l.segments = append(l.segments, s)
	s.size, err = f.Size()
	return err
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
	if size != l.opts.SegmentBytes || len(l.spares) >= maxSpares {
		return l.disk.Remove(name)
	}
	l.spares = append(l.spares, spare{name, size})
	return nil
}

// check reads through segment i and gives the least position that may be given after it.
func (l *Log) check(headers []*segmentHeader, i int, next uint64) (uint64, error) {
	s, newest := l.segments[i], i == len(l.segments)-1
	if headers[i] == nil {
		l.damaged(s, 0)
	} else if i > 0 && headers[i].previous != l.segments[i-1].base {
		l.missing(s, l.segments[i-1].last)
	}
	var seal *segmentHeader // what the segment after it says of its end
	if !newest && headers[i+1] != nil && headers[i+1].previous == s.base {
		seal = headers[i+1]
	}
	torn := l.scan(s, headers[i] != nil, seal)
	sc := scanner{file: s.file, offset: s.end}
	// A newest segment that is too short was cut off, since it was made in full size.
	torn = !sc.clean(s.size) || newest && s.size < l.opts.SegmentBytes || torn
	s.suspect = s.suspect || torn
	if torn && seal == nil {
		l.stats.Torn++
		l.opts.Log.Warn("log segment ends torn", "file.name", s.name, "offset", s.end)
	}
	next = max(next, s.last+1)
	if !newest {
		return next, nil
	}
	if torn {
		// Whatever was there may have been acknowledged and passed on: its positions must not be given twice.
		next += uint64((max(s.size, l.opts.SegmentBytes)-s.end)/recordBytes) + 1
	}
	if err := s.file.Sync(); err != nil {
		return 0, fmt.Errorf("sync %s: %w", s.name, err)
	}
	return next, nil
}

// scan finds the end of s and counts what is lost in it. Without a seal it is torn when the last records are there by
// half, which may have been so when nobody was told of them yet.
func (l *Log) scan(s *segment, known bool, seal *segmentHeader) (torn bool) {
	sc := scanner{file: s.file, id: l.id, offset: headerBytes, end: s.size, after: s.base - 1, buf: make([]byte, 0, searchBytes)}
	if seal != nil {
		sc.end = min(s.size, int64(seal.previousEnd))
	}
	t := tally{position: s.base - 1, total: s.baseTotal, known: known}
	for {
		f, ok := sc.next(0)
		if sc.fault != 0 && (ok || seal != nil) {
			l.damaged(s, sc.fault)
		}
		if !ok {
			break
		}
		t.add(f.recordHeader)
	}
	s.end, s.last = sc.offset, sc.after
	short := seal != nil && sc.offset < int64(seal.previousEnd)
	if short {
		l.damaged(s, sc.offset)
	}
	if seal != nil && (short || sc.fault != 0) {
		t.until(seal.base-1, seal.baseTotal)
	}
	if torn = seal == nil && sc.fault != 0; torn {
		s.end = sc.fault
	}
	l.stats.LostRecords += t.lostRecords
	l.stats.LostWeight += t.lostWeight
	l.total = max(l.total, t.total, sc.seen.total)
	return torn
}

// missing counts the files that were between s and the one that ends with last.
func (l *Log) missing(s *segment, last uint64) {
	last = max(last, l.released)
	if s.base-1 <= last {
		return // they were released, and a power cut kept an older one
	}
	l.stats.Damaged++
	l.stats.LostRecords += s.base - 1 - last
	l.opts.Log.Error("log segment missing", "before", s.name, "records", s.base-1-last)
}

// tally counts what is missing between the records of a segment.
type tally struct {
	position, total         uint64
	known                   bool // position and total are those before the next record
	lostRecords, lostWeight uint64
}

func (t *tally) add(h recordHeader) {
	if t.known {
		t.until(h.position-1, h.total-h.weight)
	}
	t.position, t.total, t.known = h.position, h.total, true
}

// until says that all up to position had to be there.
func (t *tally) until(position, total uint64) {
	if t.known && position > t.position {
		t.lostRecords += position - t.position
		t.lostWeight += total - t.total
	}
}

func newID() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, err
	}
	return little.Uint64(b[:]) | 1, nil
}
