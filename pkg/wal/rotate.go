package wal

import (
	"errors"
	"fmt"
)

// rotate makes the segment that the next record goes into. Until its name is in the folder for good, nothing is in it
// that anyone was told of, so a failure leaves all as it was.
func (w *writer) rotate() error {
	l := w.log
	if l.opts.Sync == SyncInterval {
		w.syncLate()
	}
	if err := l.reserve(w.next); err != nil {
		return err
	}
	previous, replaced := l.before(w.next)
	h := segmentHeader{id: l.id, base: w.next, baseTotal: w.total, size: l.opts.SegmentBytes}
	if previous != nil {
		l.seal(&h, previous)
	}
	s, err := l.begin(h, replaced)
	if errors.Is(full(err), ErrFull) { // what became free with the last record of a segment may still be there
		l.warn(l.release(), segmentName(h.base))
		s, err = l.begin(h, replaced)
	}
	if err != nil {
		return full(fmt.Errorf("begin segment %s: %w", segmentName(h.base), err))
	}
	l.mu.Lock()
	if replaced != nil {
		l.segments = l.segments[:len(l.segments)-1]
	}
	l.segments = append(l.segments, s)
	l.mu.Unlock()
	if replaced != nil {
		l.warn(l.retire(replaced), replaced.name)
	}
	w.active, w.offset, w.synced = s, headerBytes, headerBytes
	if previous != nil {
		l.warn(l.trim(previous), previous.name)
	}
	return nil
}

// before gives the segment before the one to be made, and the one in whose place it comes: a segment without a record
// has the same base, hence the same name.
func (l *Log) before(base uint64) (previous, replaced *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.segments)
	if n > 0 && l.segments[n-1].base == base {
		n--
		replaced = l.segments[n]
	}
	if n > 0 {
		previous = l.segments[n-1]
	}
	return previous, replaced
}

// seal says in h how far the segment before went.
func (l *Log) seal(h *segmentHeader, previous *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.previous, h.previousEnd = previous.base, uint64(previous.end)
	h.records = uint32(previous.last + 1 - previous.base)
}

// begin puts a segment with header h into the folder, in a spare file when there is one.
func (l *Log) begin(h segmentHeader, replaced *segment) (*segment, error) {
	name := segmentName(h.base)
	making := name + makingSuffix
	f, err := l.space(making, replaced)
	if err != nil {
		return nil, err
	}
	undo := func(err error) (*segment, error) {
		return nil, errors.Join(err, f.Close(), l.disk.Remove(making))
	}
	if _, err := f.WriteAt(append(h.encode(), make([]byte, endBytes)...), 0); err != nil {
		return undo(err)
	}
	if err := f.Sync(); err != nil {
		return undo(err)
	}
	if err := l.disk.Rename(making, name); err != nil {
		return undo(err)
	}
	if err := l.disk.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &segment{
		name: name, file: f, base: h.base, baseTotal: h.baseTotal,
		size: l.opts.SegmentBytes, end: headerBytes, last: h.base - 1, total: h.baseTotal,
	}, nil
}

// space finds a file of SegmentBytes: a spare, or a new one while MaxBytes allows.
func (l *Log) space(name string, replaced *segment) (file, error) {
	l.mu.Lock()
	var used spare
	bytes := l.bytes()
	if n := len(l.spares); n > 0 {
		used, l.spares = l.spares[n-1], l.spares[:n-1]
	}
	l.mu.Unlock()
	if used.name != "" {
		if err := l.disk.Rename(used.name, name); err != nil {
			return nil, err
		}
		return l.disk.Open(name)
	}
	if replaced != nil {
		bytes -= replaced.size
	}
	if bytes+l.opts.SegmentBytes > l.opts.MaxBytes {
		return nil, fmt.Errorf("%d of %d bytes in use: %w", bytes, l.opts.MaxBytes, ErrFull)
	}
	return l.disk.Create(name, l.opts.SegmentBytes)
}

// trim gives back the space behind the last record of a segment that was left early, as every restart does.
func (l *Log) trim(s *segment) error {
	l.mu.Lock()
	size := s.end + endBytes
	skip := s.suspect || size > s.size/2
	l.mu.Unlock()
	if skip {
		return nil
	}
	if err := s.file.Truncate(size); err != nil {
		return err
	}
	l.mu.Lock()
	s.size = size
	l.mu.Unlock()
	return nil
}

// warn reports what costs space but no record.
func (l *Log) warn(err error, name string) {
	if err != nil {
		l.opts.Log.Warn("log segment not put away", "file.name", name, "error", err)
	}
}
