//go:build !linux

package wal

import (
	"bytes"
	"os"
)

// allocate only sets the size: a full disk shows at a write, and the writer seals the segment then.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }

// datasync is the full sync of the standard library, which on darwin also empties the cache of the drive.
func datasync(f *os.File) error { return f.Sync() }

// vectors is needed where a write takes several parts.
type vectors struct{}

// write joins the parts.
func (*vectors) write(f *os.File, parts [][]byte, at int64) error {
	_, err := f.WriteAt(bytes.Join(parts, nil), at)
	return err
}
