package wal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Mark is how far one destination has come: what lies behind it stays, so that a Reader from Released()+1 gives the
// destination all that it still needs. Its methods may be called by many goroutines.
type Mark struct {
	log  *Log
	name string
	file slotFile

	at        place // Log.mu guards what follows
	forgotten bool
}

// MarkStats tells how a mark stands.
type MarkStats struct {
	Name          string // empty for the mark that every log has
	Released      uint64
	ReleasedTotal uint64 // weight up to and with it, as Record.Total

	Bytes   int64  // behind by so many bytes, headers of records included
	Records uint64 // behind by so many records
	Weight  uint64 // behind by that much weight
}

// Mark gives the mark of that name, 1 to 64 of a-z, 0-9 and -, and makes it when there is none. A new one begins where
// the log's own mark stands, since what is before that may be gone; it is durable when Mark returns. From then on it
// keeps the log from freeing what is behind it, over restarts too, until it is forgotten. The error is ErrClosed or
// that of the disk.
func (l *Log) Mark(name string) (*Mark, error) {
	if !validMark(name) {
		return nil, fmt.Errorf("mark: %q, want 1 to 64 of a-z, 0-9 and -", name)
	}
	l.releasing.Lock()
	defer l.releasing.Unlock()
	if m, err := l.lookup(name); m != nil || err != nil {
		return m, err
	}
	l.mu.Lock()
	m := l.newMark(name)
	m.at = l.own.at
	s := m.slot()
	l.mu.Unlock()
	if err := m.file.create(s); err != nil {
		return nil, fmt.Errorf("make mark %s: %w", name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addMark(m)
	return m, nil
}

func (l *Log) newMark(name string) *Mark {
	m := &Mark{log: l, name: name}
	m.file = slotFile{disk: l.disk, name: m.fileName()}
	return m
}

// lookup gives the mark of that name, nil when there is none.
func (l *Log) lookup(name string) (*Mark, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("mark %s: %w", name, ErrClosed)
	}
	for _, m := range l.marks {
		if m.name == name {
			return m, nil
		}
	}
	return nil, nil
}

// addMark keeps the marks by name, the log's own first; mu is held.
func (l *Log) addMark(m *Mark) {
	at, _ := slices.BinarySearchFunc(l.marks, m.name, func(m *Mark, name string) int { return cmp.Compare(m.name, name) })
	l.marks = slices.Insert(slices.Clone(l.marks), at, m)
}

// Forget removes the mark of a destination that is configured no more, and frees what only it has held. Without such
// a mark it does nothing. Calls of the *Mark fail afterwards.
func (l *Log) Forget(name string) error {
	if !validMark(name) {
		return fmt.Errorf("forget mark: %q, want 1 to 64 of a-z, 0-9 and -", name)
	}
	l.releasing.Lock()
	defer l.releasing.Unlock()
	m, err := l.lookup(name)
	if m == nil || err != nil {
		return err
	}
	// The file goes first: a mark that comes back after a power cut only keeps more than needed.
	if err := l.disk.Remove(m.file.name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget mark %s: %w", name, err)
	}
	l.mu.Lock()
	m.forgotten = true
	l.marks = slices.DeleteFunc(slices.Clone(l.marks), func(other *Mark) bool { return other == m })
	l.mu.Unlock()
	if err := errors.Join(m.file.close(), l.disk.Sync(), l.free()); err != nil {
		return fmt.Errorf("forget mark %s: %w", name, err)
	}
	return nil
}

// Marks tells how all marks stand, the log's own first and the others by name.
func (l *Log) Marks() []MarkStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]MarkStats, len(l.marks))
	for i, m := range l.marks {
		out[i] = m.stats()
	}
	return out
}

// Stats tells how the mark stands now.
func (m *Mark) Stats() MarkStats {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	return m.stats()
}

// stats is Stats; mu is held.
func (m *Mark) stats() MarkStats {
	l := m.log
	records, bytes := l.behind(m.at)
	return MarkStats{
		Name: m.name, Released: m.at.position, ReleasedTotal: m.at.total,
		Bytes: bytes, Records: records, Weight: l.total - m.at.total,
	}
}

// Released is the position up to which the destination needs nothing any more.
func (m *Mark) Released() uint64 {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	return m.at.position
}

// Release says that the destination needs the records up to and with position no more. A position that was never
// given counts as the newest; one before Released does nothing. Segments that all marks are past make room; the
// current one stays until there is a next. It is noted at once and survives the process; a power cut may set it back
// to an earlier release. An error means that it is noted in memory only, or that a file is still there; the next call
// tries again.
func (m *Mark) Release(position uint64) error {
	l := m.log
	if ahead, err := m.ahead(position); !ahead {
		return err
	}
	l.releasing.Lock()
	defer l.releasing.Unlock()
	if ahead, err := m.ahead(position); !ahead { // another call was faster
		return err
	}
	l.mu.Lock()
	from, position := m.at, min(position, l.position)
	l.mu.Unlock()
	to := l.locate(from, position)
	l.mu.Lock()
	m.at = to
	s := m.slot()
	l.mu.Unlock()
	if err := errors.Join(m.file.write(s), l.free()); err != nil {
		return fmt.Errorf("release %d: %w", position, err)
	}
	l.provide()
	return nil
}

// ahead tells whether there is something to release up to position.
func (m *Mark) ahead(position uint64) (bool, error) {
	l := m.log
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return false, fmt.Errorf("release %d: %w", position, ErrClosed)
	case m.forgotten:
		return false, fmt.Errorf("release %d: mark %s is forgotten", position, m.name)
	}
	return min(position, l.position) > m.at.position, nil
}

// slot is what the file of the mark should say; mu is held.
func (m *Mark) slot() slot {
	l := m.log
	return slot{id: l.id, released: m.at.position, last: l.newest, total: l.total, given: max(l.position, l.reserved)}
}

// fileName is mark, or mark-NAME.
func (m *Mark) fileName() string {
	if m.name == "" {
		return markName
	}
	return markName + "-" + m.name
}

// parseMarkName is the reverse of fileName.
func parseMarkName(file string) (name string, ok bool) {
	if file == markName {
		return "", true
	}
	name, ok = strings.CutPrefix(file, markName+"-")
	return name, ok && validMark(name)
}

func validMark(name string) bool {
	if len(name) < 1 || len(name) > 64 {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}
