package wal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"sync"
	"syscall"
)

var errBroken = errors.New("disk is broken")

// memory is a disk whose power can be cut: what was not synced may be lost, sector by sector.
type memory struct {
	mu       sync.Mutex // guards all, files too
	files    map[string]*memoryFile
	synced   map[string]*memoryFile // the folder as it survives a cut
	full     bool                   // Create fails
	failSync int                    // so many syncs of files fail
}

// memoryFile has what a reader sees and what a cut leaves.
type memoryFile struct {
	disk        *memory
	data, solid []byte
}

const sector = 512

func newMemory() *memory {
	return &memory{files: make(map[string]*memoryFile), synced: make(map[string]*memoryFile)}
}

// cut gives the disk after a loss of power; keep tells for each sector that was not synced whether it made it.
func (d *memory) cut(keep func() bool) *memory {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newMemory()
	for name, f := range d.synced {
		solid := make([]byte, len(f.data))
		copy(solid, f.solid)
		for at := 0; at < len(solid); at += sector {
			end := min(at+sector, len(solid))
			if !slices.Equal(solid[at:end], f.data[at:end]) && keep() {
				copy(solid[at:end], f.data[at:end])
			}
		}
		after.files[name] = &memoryFile{disk: after, data: solid, solid: slices.Clone(solid)}
		after.synced[name] = after.files[name]
	}
	return after
}

func (d *memory) List() (names []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func (d *memory) Create(name string, size int64) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return nil, &fs.PathError{Op: "allocate", Path: name, Err: syscall.ENOSPC}
	}
	f := &memoryFile{disk: d, data: make([]byte, size)}
	d.files[name] = f
	return f, nil
}

func (d *memory) Open(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.files[name]; ok {
		return f, nil
	}
	return nil, fs.ErrNotExist
}

func (d *memory) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.files[from]
	if !ok {
		return fs.ErrNotExist
	}
	delete(d.files, from)
	d.files[to] = f
	return nil
}

func (d *memory) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
	return nil
}

func (d *memory) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.synced)
	for name, f := range d.files {
		d.synced[name] = f
	}
	return nil
}

func (d *memory) Close() error { return nil }

func (f *memoryFile) ReadAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	if at >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if grow := int(at) + len(b) - len(f.data); grow > 0 {
		f.data = append(f.data, make([]byte, grow)...)
	}
	return copy(f.data[at:], b), nil
}

func (f *memoryFile) WriteParts(parts [][]byte, at int64) error {
	_, err := f.WriteAt(bytes.Join(parts, nil), at)
	return err
}

func (f *memoryFile) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.data)), nil
}

func (f *memoryFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.data = slices.Clone(f.data[:size])
	return nil
}

func (f *memoryFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.failSync > 0 {
		f.disk.failSync--
		return errBroken
	}
	f.solid = slices.Clone(f.data)
	return nil
}

func (f *memoryFile) Close() error { return nil }
