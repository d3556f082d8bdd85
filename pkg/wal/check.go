package wal

import "fmt"

// check reads through segment i and gives the least position that may be given after it.
func (l *Log) check(headers []*segmentHeader, i int, next uint64, k known) (uint64, error) {
	s, newest := l.segments[i], i == len(l.segments)-1
	header := l.adopt(headers[i])
	switch {
	case header == nil:
		l.damaged(s, 0)
		if i > 0 {
			s.baseTotal = l.segments[i-1].total
		}
	case i == 0:
		l.missing(s, header, place{}, k)
	case header.previous != l.segments[i-1].base:
		l.missing(s, header, l.segments[i-1].finish(), k)
	}
	if header != nil {
		s.baseTotal = header.baseTotal
	}
	seal := &limit{position: k.last, total: k.total} // what is known from elsewhere of its end
	if !newest {
		seal = nil
		if h := l.adopt(headers[i+1]); h != nil && h.previous == s.base {
			seal = &limit{position: h.previousLast(), total: h.baseTotal, end: int64(h.previousEnd)}
		}
	}
	torn := l.scan(s, header != nil || i > 0 || s.base == 1, seal)
	sc := scanner{file: s.file, offset: s.end}
	// A newest segment that is smaller than it was made was cut off.
	torn = !sc.clean(s.size) || newest && header != nil && s.size < header.size || torn
	s.suspect = s.suspect || torn
	sealed := seal != nil && seal.end > 0
	if torn && !sealed {
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

// adopt gives the header back when it is of this log, and takes the id of the log from it when no mark knows that.
func (l *Log) adopt(h *segmentHeader) *segmentHeader {
	if h == nil {
		return nil
	}
	if l.id == 0 {
		l.id = h.id
	}
	if h.id != l.id {
		return nil
	}
	return h
}

// limit is how far a segment went: up to position and total at least, and to end exactly when that is not 0.
type limit struct {
	position, total uint64
	end             int64
}

// scan finds the end of s and counts what is lost in it, its weight only when the total before it is known. Without an exact end it is torn when the last records are
// there by half, which may have been so when nobody was told of them yet.
func (l *Log) scan(s *segment, known bool, seal *limit) (torn bool) {
	sealed := seal != nil && seal.end > 0
	sc := scanner{file: s.file, id: l.id, offset: headerBytes, end: s.size, after: s.base - 1, buf: make([]byte, 0, searchBytes)}
	if sealed {
		sc.end = min(s.size, seal.end)
	}
	t := tally{position: s.base - 1, total: s.baseTotal, known: known}
	for {
		f, ok := sc.next(0)
		if sc.fault != 0 && (ok || sealed) {
			l.damaged(s, sc.fault)
		}
		if !ok {
			break
		}
		sc.buf = f.payload
		if !t.known && len(s.index) == 0 {
			s.baseTotal = max(s.baseTotal, f.total-f.weight)
		}
		t.add(f.recordHeader)
		s.note(place{position: f.position - 1, total: f.total - f.weight, base: s.base, offset: sc.offset - f.size()})
	}
	s.end = sc.offset
	short := sealed && sc.offset < seal.end
	if short {
		l.damaged(s, sc.offset)
	}
	if sealed && (short || sc.fault != 0) || seal != nil && !sealed {
		t.until(seal.position, seal.total)
	}
	// What is lost at the end counts as there: the segment stays until it is released, and is not missing.
	s.last, s.total = max(sc.after, t.position), max(s.baseTotal, sc.seen.total, t.total)
	if torn = !sealed && sc.fault != 0; torn {
		s.end = sc.fault
	}
	l.lost(t.lostRecords, t.lostWeight)
	l.newest = max(l.newest, t.position)
	l.total = max(l.total, s.total)
	return torn
}

// missing counts the files between from and s, whose header is h. The weight of those whose first records were released
// is not known.
func (l *Log) missing(s *segment, h *segmentHeader, from place, k known) {
	if from.position < k.released {
		from = place{position: k.released, total: h.baseTotal}
	}
	if h.previous == 0 || h.previousLast() <= from.position {
		return // nothing was there, or it was released and a power cut kept an older one
	}
	records := h.previousLast() - from.position
	l.stats.Damaged++
	l.lost(records, h.baseTotal-min(h.baseTotal, from.total))
	l.opts.Log.Error("log segment missing", "before", s.name, "records", records)
}

func (l *Log) lost(records, weight uint64) {
	l.stats.LostRecords += records
	l.stats.LostWeight += weight
}

// tally counts what is missing between the records of a segment.
type tally struct {
	position, total         uint64
	known                   bool // total is that before the next record; position always is
	lostRecords, lostWeight uint64
}

func (t *tally) add(h recordHeader) {
	t.until(h.position-1, h.total-h.weight)
	t.position, t.total, t.known = h.position, h.total, true
}

// until says that all up to position had to be there.
func (t *tally) until(position, total uint64) {
	if position <= t.position {
		return
	}
	t.lostRecords += position - t.position
	if t.known {
		t.lostWeight += total - min(total, t.total)
	}
	t.position, t.total = position, max(t.total, total)
}
