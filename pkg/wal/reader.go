package wal

import (
	"context"
	"fmt"
	"sort"
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
	offset int64  // of the next record there
}

// Reader starts at the first record with a position of at least from. Records that were released may be gone.
func (l *Log) Reader(from uint64) *Reader {
	return &Reader{log: l, next: max(from, 1)}
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
	// The last segment that begins at or before at; when that one is gone, the first of all.
	i := max(sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base > at })-1, 0)
	for ; i < len(l.segments); i++ {
		s := l.segments[i]
		if s.base != r.base {
			r.base, r.offset = s.base, headerBytes
		}
		if r.offset < s.end {
			s.refs++
			return s, s.end, nil, nil
		}
	}
	return nil, 0, l.advanced, nil
}

// read gives the next record of s before end, if there is one, and moves on.
func (r *Reader) read(s *segment, end int64) (found, bool) {
	sc := scanner{file: s.file, id: r.log.id, offset: r.offset, end: end, after: max(s.base, r.least()) - 1}
	f, ok := sc.next(r.next)
	r.offset = sc.offset
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

// least is the lowest position that can come at offset: 1 at the start of a segment, where the reader may have to hop
// over records before the one it wants.
func (r *Reader) least() uint64 {
	if r.offset == headerBytes {
		return 1
	}
	return r.next
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
