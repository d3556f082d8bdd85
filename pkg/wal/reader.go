package wal

import (
	"context"
	"fmt"
)

// Record is what Append stored.
type Record struct {
	Position uint64
	Weight   uint64
	Total    uint64 // weight of all records of the log up to and with this one, since it began
	Data     []byte // the parts, joined; the caller's to keep
}

// Reader walks the durable records. One goroutine uses it; a log may have many. It needs no closing.
type Reader struct {
	log    *Log
	next   uint64
	base   uint64 // of the segment it is in; 0 before the first
	offset int64  // of the next record there, or of one before it
	after  uint64 // positions before offset are up to it
}

// Reader starts at the first record with a position of at least from. Records that were released may be gone.
func (l *Log) Reader(from uint64) *Reader {
	return &Reader{log: l, next: max(from, 1)}
}

// Seek goes to the first record with a position of at least from, wherever the reader was; it reads nothing itself.
// Who got records elsewhere, from what was just appended, goes past them at no cost.
func (r *Reader) Seek(from uint64) {
	if from = max(from, 1); from != r.next {
		*r = Reader{log: r.log, next: from}
	}
}

// Next gives the next record. At the end it waits until there is more, ctx ends, or the log is closed (ErrClosed).
// What cannot be read any more is passed over and counted in Stats.
func (r *Reader) Next(ctx context.Context) (Record, error) {
	for {
		s, end, more, err := r.enter()
		if err != nil {
			return Record{}, fmt.Errorf("read record %d: %w", r.next, err)
		}
		if s == nil {
			select {
			case <-more:
				continue
			case <-r.log.quit:
				continue
			case <-ctx.Done():
				return Record{}, fmt.Errorf("read record %d: %w", r.next, ctx.Err())
			}
		}
		f, ok := r.read(s, end)
		r.log.leave(s)
		if ok {
			return Record{Position: f.position, Weight: f.weight, Total: f.total, Data: f.payload}, nil
		}
	}
}

// enter finds the segment to read in, up to end, and keeps it from being closed until leave. Without anything to
// read it gives the channel that is closed when there is.
func (r *Reader) enter() (s *segment, end int64, more <-chan struct{}, err error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, 0, nil, ErrClosed
	}
	at := r.base
	if at == 0 {
		at = r.next
	}
	for i := l.holding(at); i < len(l.segments); i++ {
		s := l.segments[i]
		if s.base != r.base {
			p := s.near(r.next - 1)
			r.base, r.offset, r.after = s.base, p.offset, p.position
		}
		if r.offset < s.end {
			s.refs++
			return s, s.end, nil, nil
		}
	}
	if l.advanced == nil {
		l.advanced = make(chan struct{})
	}
	return nil, 0, l.advanced, nil
}

// read gives the next record of s before end, if there is one, and moves on.
func (r *Reader) read(s *segment, end int64) (found, bool) {
	sc := scanner{file: s.file, id: r.log.id, offset: r.offset, end: end, after: r.after}
	f, ok := sc.next(r.next)
	r.offset, r.after = sc.offset, sc.after
	if ok {
		r.next = f.position + 1
	} else if sc.offset < end {
		sc.note(sc.offset)
		r.offset = end
	}
	if sc.fault != 0 {
		r.log.damaged(s, sc.fault)
	}
	return f, ok
}

// leave ends what enter began.
func (l *Log) leave(s *segment) {
	l.mu.Lock()
	s.refs--
	last := s.retired && s.refs == 0
	l.mu.Unlock()
	if last {
		l.warn(s.file.Close(), s.name)
	}
}

// damaged counts a place that could not be read, once, and keeps the file from being used again.
func (l *Log) damaged(s *segment, at int64) {
	l.mu.Lock()
	_, known := s.faults[at]
	if !known {
		if s.faults == nil {
			s.faults = make(map[int64]struct{})
		}
		s.faults[at] = struct{}{}
		s.suspect = true
		l.stats.Damaged++
	}
	l.mu.Unlock()
	if !known {
		l.opts.Log.Error("log record unreadable", "file.name", s.name, "offset", at)
	}
}
