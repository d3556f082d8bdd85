//go:build !unix

package wal

import "os"

// lock does nothing where there is no advisory lock: the owner takes care.
func lock(*os.File) error { return nil }
