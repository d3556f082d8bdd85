package wal

import (
	"errors"
	"fmt"
)

// maxSpares is how many released files wait to be used again; writing and releasing go at the same pace.
const maxSpares = 2

// markFile is the file that says how far the log is released. Log.releasing guards it.
type markFile struct {
	file     file
	sequence uint64
}

const (
	markName   = "mark"
	markSlots  = 2
	markStride = 4096 // a torn write hits one slot only
)

// write puts m into the slot that is not the newest.
func (f *markFile) write(m mark) error {
	m.sequence = f.sequence + 1
	if _, err := f.file.WriteAt(m.encode(), int64(m.sequence%markSlots)*markStride); err != nil {
		return fmt.Errorf("write mark: %w", err)
	}
	f.sequence = m.sequence
	return nil
}

func (f *markFile) sync() error {
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("sync mark: %w", err)
	}
	return nil
}

func (f *markFile) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// read gives the newest mark; false without one.
func (f *markFile) read() (newest mark, ok bool) {
	for slot := range int64(markSlots) {
		b := make([]byte, headerBytes)
		if _, err := f.file.ReadAt(b, slot*markStride); err != nil {
			continue
		}
		if m, valid := decodeMark(b); valid && (!ok || m.sequence > newest.sequence) {
			newest, ok = m, true
		}
	}
	f.sequence = newest.sequence
	return newest, ok
}

// snapshot is what the mark file should say; mu is held.
func (l *Log) snapshot() mark {
	return mark{id: l.id, released: l.released, last: l.position, total: l.total}
}

// Release says that the records up to and with position are needed no more. A position that was never given counts
// as the newest. Segments that hold only such records make room; the current one stays until the next begins. It is
// noted at once and survives the process; a power cut may set it back to an earlier release. An error means that it
// is noted in memory only, or that a file is still there; the next call tries again.
func (l *Log) Release(position uint64) error {
	l.mu.Lock()
	position = min(position, l.position)
	if l.closed {
		l.mu.Unlock()
		return fmt.Errorf("release %d: %w", position, ErrClosed)
	}
	ahead := position > l.released
	if ahead {
		l.released = position
	}
	l.mu.Unlock()
	if !ahead {
		return nil
	}
	if err := l.releaseWhole(); err != nil {
		return fmt.Errorf("release %d: %w", position, err)
	}
	return nil
}

// releaseWhole notes what is released and frees the segments that are so altogether.
func (l *Log) releaseWhole() error {
	l.releasing.Lock()
	defer l.releasing.Unlock()
	l.mu.Lock()
	m, free := l.snapshot(), 0
	for free < len(l.segments)-1 && l.segments[free].last <= l.released {
		free++
	}
	l.mu.Unlock()
	if m.released == 0 {
		return nil
	}
	if err := l.mark.write(m); err != nil || free == 0 {
		return err
	}
	// Once a segment is gone, only the mark knows that its positions were given.
	if err := l.mark.sync(); err != nil {
		return err
	}
	l.mu.Lock()
	gone := append([]*segment(nil), l.segments[:free]...)
	l.segments = append([]*segment(nil), l.segments[free:]...)
	l.mu.Unlock()
	var faults []error
	for _, s := range gone {
		faults = append(faults, l.dispose(s))
	}
	return errors.Join(append(faults, l.disk.Sync())...)
}

// dispose makes a spare of a segment, sets it aside when it holds what nobody could read, or removes it.
func (l *Log) dispose(s *segment) error {
	l.mu.Lock()
	suspect := s.suspect
	reuse := !suspect && s.refs == 0 && s.size == l.opts.SegmentBytes && len(l.spares) < maxSpares
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
