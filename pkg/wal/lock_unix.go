//go:build unix

package wal

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the folder for this process; the system frees it when the file is closed or the process dies.
func lock(dir *os.File) error {
	err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}
