package wal

import (
	"errors"
	"fmt"
)

const (
	markName   = "mark"
	markSlots  = 2
	markStride = 4096 // a torn write hits one slot only
)

// slot is what a mark file says.
type slot struct {
	id          uint64
	sequence    uint64 // counts the writes of the file
	released    uint64
	last, total uint64 // position and total of the newest durable record when it was written
	given       uint64 // positions up to it may have been given, and must not be given again
}

func (s slot) encode() []byte {
	b := make([]byte, headerBytes)
	copy(b, markMagic[:])
	little.PutUint32(b[8:], version)
	for i, v := range []uint64{s.id, s.sequence, s.released, s.last, s.total, s.given} {
		little.PutUint64(b[16+8*i:], v)
	}
	little.PutUint32(b[12:], blockSum(b))
	return b
}

func decodeSlot(b []byte) (slot, bool) {
	if !checkBlock(b, markMagic) {
		return slot{}, false
	}
	at := func(i int) uint64 { return little.Uint64(b[16+8*i:]) }
	return slot{id: at(0), sequence: at(1), released: at(2), last: at(3), total: at(4), given: max(at(3), at(5))}, true
}

// slotFile is the file of a mark. Log.releasing guards it.
type slotFile struct {
	disk     disk
	name     string
	file     file
	sequence uint64
	unsynced bool // since the last write
	broken   bool // a sync failed: what the file holds is unknown, and it is not synced again
}

// create puts a file that says s into the folder for good, in the place of one that is there, or changes nothing.
func (f *slotFile) create(s slot) error {
	making := f.name + makingSuffix
	made, err := f.disk.Create(making, markSlots*markStride)
	if err != nil {
		return full(fmt.Errorf("create %s: %w", making, err))
	}
	fresh := slotFile{disk: f.disk, name: f.name, file: made, sequence: f.sequence}
	if err := errors.Join(fresh.write(s), fresh.sync()); err != nil {
		return errors.Join(err, made.Close(), f.disk.Remove(making))
	}
	if err := f.disk.Rename(making, f.name); err != nil {
		return errors.Join(err, made.Close(), f.disk.Remove(making))
	}
	if err := f.disk.Sync(); err != nil {
		return errors.Join(err, made.Close())
	}
	err = f.close()
	*f = fresh
	return err
}

// write puts s into the slot that is not the newest.
func (f *slotFile) write(s slot) error {
	if f.broken {
		return f.create(s)
	}
	s.sequence = f.sequence + 1
	if _, err := f.file.WriteAt(s.encode(), int64(s.sequence%markSlots)*markStride); err != nil {
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	f.sequence, f.unsynced = s.sequence, true
	return nil
}

func (f *slotFile) sync() error {
	if !f.unsynced {
		return nil
	}
	if err := f.file.Sync(); err != nil {
		f.broken = true
		return fmt.Errorf("sync %s: %w", f.name, err)
	}
	f.unsynced = false
	return nil
}

// settle writes s to both slots and makes it durable, so that no damage of one of them brings back an earlier one.
func (f *slotFile) settle(s slot) error {
	for range markSlots {
		if err := f.write(s); err != nil {
			return err
		}
		if err := f.sync(); err != nil {
			return err
		}
	}
	return nil
}

func (f *slotFile) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// read gives the newest slot; false without one. The error is errVersion when a newer program wrote the file.
func (f *slotFile) read() (newest slot, ok bool, err error) {
	for n := range int64(markSlots) {
		b := make([]byte, headerBytes)
		if _, err := f.file.ReadAt(b, n*markStride); err != nil {
			continue
		}
		if err := refuseNewer(b, markMagic); err != nil {
			return slot{}, false, fmt.Errorf("%s: %w", f.name, err)
		}
		if s, valid := decodeSlot(b); valid && (!ok || s.sequence > newest.sequence) {
			newest, ok = s, true
		}
	}
	f.sequence = newest.sequence
	return newest, ok, nil
}
