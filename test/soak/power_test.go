//go:build linux

package soak

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestNoAcknowledgedItemIsLostWhenThePowerIsCut kills as the other test does, after the file system of the log has lost
// whatever was not synced. It may do so only as root, where there are loop devices.
func TestNoAcknowledgedItemIsLostWhenThePowerIsCut(t *testing.T) {
	d := newDisk(t)
	newCrashes(t, d.dir, d).run(killsOf(t))
}

// disk is an ext4 file system of its own, whose power can be cut.
type disk struct {
	t     *testing.T
	image string
	dir   string
}

func newDisk(t *testing.T) *disk {
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	home := t.TempDir()
	d := &disk{t: t, image: filepath.Join(home, "image"), dir: filepath.Join(home, "log")}
	require.NoError(t, os.Mkdir(d.dir, 0o700))
	require.NoError(t, os.WriteFile(d.image, nil, 0o600))
	require.NoError(t, os.Truncate(d.image, 512*mib))
	for _, line := range [][]string{{"mkfs.ext4", "-q", d.image}, {"mount", "-o", "loop", d.image, d.dir}} {
		if said, err := exec.CommandContext(t.Context(), line[0], line[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%v: %v: %s", line, err, said)
		}
	}
	t.Cleanup(d.unmount)
	return d
}

// shutdown is FS_IOC_SHUTDOWN of <uapi/linux/fs.h>, and noLogFlush its flag to leave out even the journal: from then on
// the file system fails, and what was not synced never comes to the disk.
const (
	shutdown   = 0x8004587d
	noLogFlush = 2
)

// cut implements power. ext4 lets some syncs succeed that are under way at that moment, though what they were for never
// comes to the disk; plain writes and fdatasync show the same. A process without power would not live to tell.
func (d *disk) cut(l *load) {
	l.off.Store(true)
	dir, err := os.Open(d.dir)
	require.NoError(d.t, err)
	defer dir.Close()
	flag := uint32(noLogFlush)
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), shutdown, uintptr(unsafe.Pointer(&flag)))
	require.Zero(d.t, errno, errno.Error())
}

// mend implements power: the file system is again what was on the disk.
func (d *disk) mend() {
	d.unmount()
	said, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput()
	require.NoError(d.t, err, "%s", said)
}

func (d *disk) unmount() {
	said, err := exec.Command("umount", d.dir).CombinedOutput()
	require.NoError(d.t, err, "%s", said)
}
