package wal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// errVersion says that a newer program wrote the file.
var errVersion = errors.New("unknown version")

// recover reads the folder and gives the position of the next record. Every record is checked, so that Stats tells
// all damage, and what only the page cache holds after the death of the process before is synced.
func (l *Log) recover() (next uint64, err error) {
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
	for i, s := range l.segments {
		if next, err = l.check(s, headers, i, next); err != nil {
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
func (l *Log) openMark(names []string) (mark, error) {
	var err error
	for _, name := range names {
		if name == markName {
			if l.mark.file, err = l.disk.Open(name); err != nil {
				return mark{}, err
			}
			m, _ := l.mark.read()
			return m, nil
		}
	}
	l.mark.file, err = l.disk.Create(markName, markSlots*markStride)
	return mark{}, err
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
func (l *Log) check(s *segment, headers []*segmentHeader, i int, next uint64) (uint64, error) {
	newest := i == len(l.segments)-1
	limit, sealed := s.size, false
	if !newest && headers[i+1] != nil && headers[i+1].previous == s.base {
		limit, sealed = min(s.size, int64(headers[i+1].previousEnd)), true
	}
	tally := tally{position: s.base - 1, total: s.baseTotal, known: headers[i] != nil}
	sc := scanner{file: s.file, id: l.id, offset: headerBytes, end: limit, after: s.base - 1, buf: make([]byte, 0, searchBytes)}
	if headers[i] == nil {
		l.damaged(s, 0)
	}
	if h := headers[i]; h != nil && i > 0 && h.previous != l.segments[i-1].base {
		l.missing(s, l.segments[i-1].last)
	}
	for {
		f, ok := sc.next(0)
		if sc.fault != 0 && (ok || sealed) {
			l.damaged(s, sc.fault)
		}
		if !ok {
			break
		}
		tally.add(f.recordHeader)
	}
	torn := sc.fault != 0 && !sealed // the last record of all is there by half
	switch {
	case sealed && sc.offset < int64(headers[i+1].previousEnd):
		l.damaged(s, sc.offset)
		tally.until(headers[i+1].base-1, headers[i+1].baseTotal)
	case sealed && sc.fault != 0:
		tally.until(headers[i+1].base-1, headers[i+1].baseTotal)
	}
	unclean := !sc.clean(s.size) || newest && s.size < l.opts.SegmentBytes
	s.end, s.last = sc.offset, sc.after
	if torn {
		s.end = sc.fault
	}
	s.suspect = s.suspect || unclean || torn
	next = max(next, sc.after+1)
	if newest {
		if unclean {
			// Whatever was there may have been acknowledged and passed on: its positions must not be given twice.
			next += uint64((max(s.size, l.opts.SegmentBytes)-s.end)/recordBytes) + 1
		}
		if err := s.file.Sync(); err != nil {
			return 0, fmt.Errorf("sync %s: %w", s.name, err)
		}
	}
	if (unclean || torn) && !sealed {
		l.stats.Torn++
		l.opts.Log.Warn("log segment ends torn", "file.name", s.name, "offset", s.end)
	}
	l.stats.LostRecords += tally.lostRecords
	l.stats.LostWeight += tally.lostWeight
	l.total = max(l.total, tally.total, sc.seen.total)
	return next, nil
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
