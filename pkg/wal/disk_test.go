package wal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
)

var (
	errBroken = errors.New("disk is broken")
	errNoDisk = errors.New("disk has no power")
)

// memory is a disk whose power can be cut: see outage_test.go for what that costs.
type memory struct {
	mu      sync.Mutex // guards all, files too
	files   map[string]*memoryFile
	inodes  []*memoryFile          // all that were ever made, by number
	synced  map[string]*memoryFile // the folder as it survives a cut
	pending []rearrangement

	journal []step // what was done, when keep is set
	keep    bool
	left    int  // so many steps until the power goes; below 0 it stays
	torn    int  // so many bytes of the write that meets the end make it
	gone    bool // the power is

	full     bool   // Create fails
	failSync int    // so many syncs of files fail
	room     int    // bytes that writes still find; below 0 there is no bound
	syncing  func() // when set, how long a sync of a file takes
}

// rearrangement is a change of the folder that waits for a sync.
type rearrangement func(names map[string]*memoryFile, inodes []*memoryFile)

// step is one change of a disk. Written again to another disk of the same past, it does the same.
type step struct {
	bytes int // of a write
	do    func(d *memory, bytes int)
}

// memoryFile has what a reader sees and what is sure to survive a cut.
type memoryFile struct {
	disk        *memory
	number      int
	data, solid []byte
	pending     []change
}

// change is a write that was not synced, or a new size.
type change struct {
	at   int
	data []byte // nil for a new size, which is at
	lost bool   // a sync failed on it: the next one does not write it
}

func newMemory() *memory {
	return &memory{files: make(map[string]*memoryFile), synced: make(map[string]*memoryFile), left: -1, room: -1}
}

// add puts a file with data into the folder, for good.
func (d *memory) add(name string, data []byte) *memoryFile {
	f := &memoryFile{disk: d, number: len(d.inodes), data: data, solid: slices.Clone(data)}
	d.inodes = append(d.inodes, f)
	d.files[name], d.synced[name] = f, f
	return f
}

// apply does s, unless the power goes; mu is held.
func (d *memory) apply(s step) error {
	if d.left == 0 {
		if !d.gone && s.bytes > 0 {
			s.do(d, min(d.torn, s.bytes))
		}
		d.gone = true
		return errNoDisk
	}
	d.left--
	if d.keep {
		d.journal = append(d.journal, s)
	}
	s.do(d, s.bytes)
	return nil
}

// rearrange changes the folder; mu is held.
func (d *memory) rearrange(change rearrangement) error {
	return d.apply(step{do: func(d *memory, _ int) { d.await(change) }})
}

func (d *memory) await(change rearrangement) {
	change(d.files, d.inodes)
	d.pending = append(d.pending, change)
}

func (d *memory) List() (names []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.files)), nil
}

func (d *memory) Create(name string, size int64) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return nil, &fs.PathError{Op: "allocate", Path: name, Err: syscall.ENOSPC}
	}
	number := len(d.inodes)
	err := d.apply(step{do: func(d *memory, _ int) {
		size := change{at: int(size)}
		d.inodes = append(d.inodes, &memoryFile{disk: d, number: number, data: size.apply(nil, always), pending: []change{size}})
		d.await(func(names map[string]*memoryFile, inodes []*memoryFile) { names[name] = inodes[number] })
	}})
	if err != nil {
		return nil, err
	}
	return d.files[name], nil
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
	if _, ok := d.files[from]; !ok {
		return fs.ErrNotExist
	}
	return d.rearrange(func(names map[string]*memoryFile, _ []*memoryFile) {
		names[to] = names[from]
		delete(names, from)
	})
}

func (d *memory) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rearrange(func(names map[string]*memoryFile, _ []*memoryFile) { delete(names, name) })
}

func (d *memory) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.apply(step{do: func(d *memory, _ int) { d.synced, d.pending = maps.Clone(d.files), nil }})
}

func (d *memory) Close() error { return nil }

// change writes to the file, or gives it another size; the lock is held.
func (f *memoryFile) change(at int, data []byte) error {
	number := f.number
	return f.disk.apply(step{bytes: len(data), do: func(d *memory, n int) {
		f := d.inodes[number]
		c := change{at: at, data: data}
		if data != nil {
			c.data = data[:n]
		}
		f.data = c.apply(f.data, always)
		f.pending = append(f.pending, c)
	}})
}

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
	d := f.disk
	if d.room >= 0 && len(b) > d.room {
		n := d.room
		d.room = 0
		return n, errors.Join(f.change(int(at), slices.Clone(b[:n])), syscall.ENOSPC)
	}
	if d.room >= 0 {
		d.room -= len(b)
	}
	if err := f.change(int(at), append([]byte{}, b...)); err != nil {
		return 0, err
	}
	return len(b), nil
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
	return f.change(int(size), nil)
}

// Sync fails as a page cache does: what it could not write it forgets, and the next Sync says yes.
func (f *memoryFile) Sync() error {
	if f.disk.syncing != nil {
		f.disk.syncing()
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	number, fails := f.number, f.disk.failSync > 0
	err := f.disk.apply(step{do: func(d *memory, _ int) { d.inodes[number].settle(fails) }})
	if err == nil && fails {
		f.disk.failSync--
		err = errBroken
	}
	return err
}

func (f *memoryFile) Close() error { return nil }
