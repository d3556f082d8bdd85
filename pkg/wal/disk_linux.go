package wal

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"
)

// allocate reserves the blocks, so that a full disk shows before the first record and not in the middle of one.
func allocate(f *os.File, size int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS):
			return f.Truncate(size)
		default:
			return err
		}
	}
}

// datasync leaves out what reading does not need, such as the time of change: a journal write less than fsync.
func datasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// maxVectors is IOV_MAX of the kernel.
const maxVectors = 1024

// vectors is the list of one pwritev, kept for the next.
type vectors []syscall.Iovec

// write puts the parts one behind the other from at on, in as few calls as it takes.
func (v *vectors) write(f *os.File, parts [][]byte, at int64) error {
	skip := 0 // what is written of the first part
	for len(parts) > 0 {
		list := (*v)[:0]
		for i := 0; i < len(parts) && len(list) < maxVectors; i++ {
			p := parts[i]
			if i == 0 {
				p = p[skip:]
			}
			entry := syscall.Iovec{Base: unsafe.SliceData(p)}
			entry.SetLen(len(p))
			list = append(list, entry)
		}
		*v = list
		// The kernel joins the halves of the offset; where a word is 64 bits, the first holds all.
		n, _, errno := syscall.Syscall6(syscall.SYS_PWRITEV, f.Fd(), uintptr(unsafe.Pointer(unsafe.SliceData(list))),
			uintptr(len(list)), uintptr(at), uintptr(uint64(at)>>32), 0)
		clear(list)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return &os.PathError{Op: "write", Path: f.Name(), Err: errno}
		case n == 0:
			return &os.PathError{Op: "write", Path: f.Name(), Err: io.ErrShortWrite}
		}
		at += int64(n)
		for skip += int(n); len(parts) > 0 && skip >= len(parts[0]); parts = parts[1:] {
			skip -= len(parts[0])
		}
	}
	return nil
}
