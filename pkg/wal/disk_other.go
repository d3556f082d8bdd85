//go:build !linux

package wal

import "os"

// allocate only sets the size: a full disk shows at a write, and the writer seals the segment then.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }

// datasync is the full sync of the standard library, which on darwin also empties the cache of the drive.
func datasync(f *os.File) error { return f.Sync() }
