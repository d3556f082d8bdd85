package wal

import (
	"errors"
	"fmt"
	"slices"
)

// maxSpares is how many released files wait to be used again; writing and releasing go at the same pace.
const maxSpares = 2

// Released is the position up to which the log's own mark needs nothing any more.
func (l *Log) Released() uint64 { return l.own.Released() }

// Release moves the log's own mark; see Mark.Release.
func (l *Log) Release(position uint64) error { return l.own.Release(position) }

// release is free for who has no lock.
func (l *Log) release() error {
	l.releasing.Lock()
	defer l.releasing.Unlock()
	return l.free()
}

// free frees the segments that all marks are past; releasing is held.
func (l *Log) free() error {
	l.mu.Lock()
	n := 0
	for n < len(l.segments)-1 && l.segments[n].last <= l.oldest() {
		n++
	}
	l.mu.Unlock()
	if n == 0 {
		return nil
	}
	// Once a segment is gone, only the marks know that nobody misses it.
	if err := l.settle(); err != nil {
		return err
	}
	l.mu.Lock()
	gone := slices.Clone(l.segments[:n])
	l.segments = slices.Clone(l.segments[n:])
	l.mu.Unlock()
	var faults []error
	for _, s := range gone {
		faults = append(faults, l.dispose(s))
	}
	return errors.Join(append(faults, l.disk.Sync())...)
}

// provide makes a spare when there is none, so that the writer finds one when it needs it: to make a file takes the disk
// longer than to write to one. It tries once a segment; without a spare the writer makes the file itself and says what is
// in the way. releasing is held.
func (l *Log) provide() {
	size := l.opts.SegmentBytes
	l.mu.Lock()
	last := len(l.segments) - 1
	if len(l.spares) > 0 || last < 0 || l.provided == l.segments[last].base || l.bytes()+2*size > l.opts.MaxBytes {
		l.mu.Unlock()
		return
	}
	l.provided = l.segments[last].base
	made := spare{name: fmt.Sprintf("%016x.next%s", l.provided, spareSuffix), size: size}
	l.mu.Unlock()
	f, err := l.disk.Create(made.name, size)
	if err != nil || f.Close() != nil {
		return
	}
	l.mu.Lock()
	l.spares = append(l.spares, made)
	l.mu.Unlock()
}

// settleAll is settle for who has no lock.
func (l *Log) settleAll() error {
	l.releasing.Lock()
	defer l.releasing.Unlock()
	return l.settle()
}

// settle makes durable what the marks should say; releasing is held.
func (l *Log) settle() error {
	l.mu.Lock()
	marks := l.marks
	slots := make([]slot, 0, len(marks))
	for _, m := range marks {
		slots = append(slots, m.slot())
	}
	l.mu.Unlock()
	for i, m := range marks {
		if err := m.file.settle(slots[i]); err != nil {
			return err
		}
	}
	return nil
}

// oldest is the position that all marks are past; mu is held.
func (l *Log) oldest() uint64 {
	oldest := l.position
	for _, m := range l.marks {
		oldest = min(oldest, m.at.position)
	}
	return oldest
}

// dispose makes a spare of a segment, sets it aside when it holds what nobody could read, or removes it.
func (l *Log) dispose(s *segment) error {
	l.mu.Lock()
	suspect := s.suspect
	reuse := !suspect && s.refs == 0 && l.spareable(s.size)
	if suspect {
		l.stats.Quarantined++
	}
	l.mu.Unlock()
	err := l.retire(s)
	switch {
	case suspect:
		l.opts.Log.Warn("log segment set aside", "file.name", s.name+damagedSuffix)
		return errors.Join(err, l.disk.Rename(s.name, s.name+damagedSuffix))
	case !reuse:
		return errors.Join(err, l.disk.Remove(s.name))
	}
	free := spare{name: fmt.Sprintf("%016x%s", s.base, spareSuffix), size: s.size}
	if err := errors.Join(err, l.disk.Rename(s.name, free.name)); err != nil {
		return err
	}
	l.mu.Lock()
	l.spares = append(l.spares, free)
	l.mu.Unlock()
	return nil
}

// spareable tells whether a file may wait to be used again: MaxBytes, which may be less than it once was, must allow
// it, so that a spare never keeps the log full; mu is held.
func (l *Log) spareable(size int64) bool {
	return size == l.opts.SegmentBytes && len(l.spares) < maxSpares && l.bytes()+size <= l.opts.MaxBytes
}

// retire closes the file of a segment, or leaves that to the reader which is still inside.
func (l *Log) retire(s *segment) error {
	l.mu.Lock()
	s.retired = true
	inside := s.refs > 0
	l.mu.Unlock()
	if inside {
		return nil
	}
	return s.file.Close()
}
