package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// disk is what the log asks of a folder. Names are file names without a path. Tests put faults in here.
type disk interface {
	List() ([]string, error)
	// Create makes a new file of size bytes, whose space is reserved where the system can do so.
	Create(name string, size int64) (file, error)
	Open(name string) (file, error)
	// Rename puts the file in the place of whatever has the new name.
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes creations, renames and removals durable.
	Sync() error
	// Close gives the folder up.
	Close() error
}

// file is what the log asks of a file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// WriteParts writes the parts one behind the other from at on. After an error any of it may be written.
	WriteParts(parts [][]byte, at int64) error
	Size() (int64, error)
	// Truncate gives back what lies behind size.
	Truncate(size int64) error
	// Sync makes the bytes written durable.
	Sync() error
}

// folder is the disk of the operating system.
type folder struct {
	path string
	dir  *os.File
}

// openFolder makes the folder when it is missing, and locks it for this process.
func openFolder(path string) (disk, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := lock(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), dir.Close())
	}
	return folder{path: path, dir: dir}, nil
}

func (d folder) List() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d folder) Create(name string, size int64) (file, error) {
	path := filepath.Join(d.path, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := allocate(f, size); err != nil {
		return nil, errors.Join(fmt.Errorf("allocate %s: %w", path, err), f.Close(), os.Remove(path))
	}
	return &osFile{File: f}, nil
}

func (d folder) Open(name string) (file, error) {
	f, err := os.OpenFile(filepath.Join(d.path, name), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &osFile{File: f}, nil
}

func (d folder) Rename(from, to string) error {
	return os.Rename(filepath.Join(d.path, from), filepath.Join(d.path, to))
}

func (d folder) Remove(name string) error { return os.Remove(filepath.Join(d.path, name)) }
func (d folder) Sync() error              { return d.dir.Sync() }
func (d folder) Close() error             { return d.dir.Close() }

// osFile is a file of the operating system. One goroutine at a time writes parts.
type osFile struct {
	*os.File
	vectors vectors
}

func (f *osFile) WriteParts(parts [][]byte, at int64) error {
	return f.vectors.write(f.File, parts, at)
}

func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f *osFile) Sync() error { return datasync(f.File) }
