package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"syscall"
	"time"
)

// groupBytes is where a group is cut off, so that one sync is never kept waiting by an endless row of appends.
const groupBytes = 8 << 20

// request is a record on its way to the disk.
type request struct {
	parts    [][]byte
	length   int
	sum      uint32
	weight   uint64
	position uint64
	done     chan error
}

// newRequest digests the parts, in the caller's goroutine.
func newRequest(weight int, parts [][]byte, limit int) (*request, error) {
	if weight < 0 {
		return nil, fmt.Errorf("append: weight: %d, want at least 0", weight)
	}
	r := &request{parts: parts, weight: uint64(weight), done: make(chan error, 1)}
	for _, p := range parts {
		r.length += len(p)
		if r.length > limit {
			return nil, fmt.Errorf("append: %d bytes or more, want at most %d: %w", r.length, limit, ErrTooLarge)
		}
	}
	for _, p := range parts {
		r.sum = crc32.Update(r.sum, castagnoli, p)
	}
	return r, nil
}

func (r *request) size() int64 { return recordSize(int64(r.length)) }

// writer is the goroutine that writes. It alone touches its fields.
type writer struct {
	log    *Log
	active *segment // nil until the first record, and after a failure
	offset int64    // where the next group goes
	synced int64    // what lies before it was synced
	next   uint64
	total  uint64
	group  []*request
	buf    []byte
}

func (w *writer) run() {
	defer close(w.log.stopped)
	var tick <-chan time.Time
	if w.log.opts.Sync == SyncInterval {
		t := time.NewTicker(w.log.opts.SyncEvery)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case r := <-w.log.requests:
			w.gather(r)
			w.commit(w.group)
			clear(w.group)
		case <-tick:
			w.syncLate()
		case <-w.log.quit:
			w.syncLate()
			return
		}
	}
}

// gather takes along all who wait by now.
func (w *writer) gather(r *request) {
	w.group = append(w.group[:0], r)
	for bytes := r.size(); bytes < groupBytes; {
		select {
		case r := <-w.log.requests:
			w.group = append(w.group, r)
			bytes += r.size()
		default:
			return
		}
	}
}

// commit stores the group, in as many writes as it takes segments, and answers everyone.
func (w *writer) commit(group []*request) {
	for len(group) > 0 {
		n, err := w.fit(group)
		if err == nil {
			err = w.store(group[:n])
		}
		if err != nil {
			for _, r := range group {
				r.done <- err
			}
			return
		}
		for _, r := range group[:n] {
			r.done <- nil
		}
		group = group[n:]
	}
}

// fit counts the first requests that go into the current segment, after it made one with room for the first.
func (w *writer) fit(group []*request) (int, error) {
	if w.active == nil || w.offset+group[0].size()+endBytes > w.log.opts.SegmentBytes {
		if err := w.rotate(); err != nil {
			return 0, err
		}
	}
	offset := w.offset + endBytes
	for i, r := range group {
		if offset += r.size(); offset > w.log.opts.SegmentBytes {
			return i, nil
		}
	}
	return len(group), nil
}

// store writes requests, which fit, in one piece. When the disk fails, the segment is given up and a new one tried, once.
func (w *writer) store(batch []*request) error {
	last := w.encode(batch)
	err := w.put(last, len(batch))
	if err == nil {
		return nil
	}
	w.abandon(err)
	if err := w.rotate(); err != nil {
		return err
	}
	if err := w.put(last, len(batch)); err != nil {
		w.abandon(err)
		return full(err)
	}
	return nil
}

// encode lays the batch out in buf, the zero word behind it, and gives the header of the last record.
func (w *writer) encode(batch []*request) (last recordHeader) {
	w.buf = w.buf[:0]
	last = recordHeader{position: w.next - 1, total: w.total}
	for _, r := range batch {
		last = recordHeader{
			length: uint32(r.length), payloadSum: r.sum,
			position: last.position + 1, weight: r.weight, total: last.total + r.weight,
		}
		r.position = last.position
		start := len(w.buf)
		w.buf = append(w.buf, make([]byte, recordBytes)...)
		last.encode(w.log.id, w.buf[start:])
		for _, p := range r.parts {
			w.buf = append(w.buf, p...)
		}
		w.buf = append(w.buf, make([]byte, start+int(last.size())-len(w.buf))...)
	}
	w.buf = append(w.buf, make([]byte, endBytes)...)
	return last
}

// put writes buf at offset, syncs as the policy wants, and shows the records to the readers.
func (w *writer) put(last recordHeader, records int) error {
	if _, err := w.active.file.WriteAt(w.buf, w.offset); err != nil {
		return fmt.Errorf("write %s at %d: %w", w.active.name, w.offset, err)
	}
	end := w.offset + int64(len(w.buf)) - endBytes
	switch w.log.opts.Sync {
	case SyncAlways:
		if err := w.active.file.Sync(); err != nil {
			return fmt.Errorf("sync %s: %w", w.active.name, err)
		}
		w.synced = end
		w.show(end, last.position, last.total, records, 1)
	case SyncInterval:
		w.hold(last, records)
	case SyncNone:
		w.show(end, last.position, last.total, records, 0)
	}
	w.offset, w.next, w.total = end, last.position+1, last.total
	return nil
}

// hold counts records that are acknowledged and not synced; readers see them after the sync.
func (w *writer) hold(last recordHeader, records int) {
	l := w.log
	l.mu.Lock()
	defer l.mu.Unlock()
	w.active.last = last.position
	l.stats.Records += uint64(records)
}

// show lets readers go up to end.
func (w *writer) show(end int64, position, total uint64, records, syncs int) {
	l := w.log
	l.mu.Lock()
	defer l.mu.Unlock()
	w.active.end, w.active.last = end, position
	l.position, l.total = position, total
	l.stats.Records += uint64(records)
	l.stats.Syncs += uint64(syncs)
	close(l.advanced)
	l.advanced = make(chan struct{})
}

// syncLate makes durable what SyncInterval left, and at the end also what SyncNone did. A failure cannot be made good
// any more, since the bytes are gone from memory: it ends the segment, and readers get what the file still gives.
func (w *writer) syncLate() {
	if w.active == nil || w.synced == w.offset {
		return
	}
	err := w.active.file.Sync()
	w.synced = w.offset
	w.show(w.offset, w.next-1, w.total, 0, 1)
	if err != nil {
		w.abandon(fmt.Errorf("sync %s: %w", w.active.name, err))
	}
}

// abandon gives the segment up after a failure: what the system does with the pages afterwards is unknown, and a
// second sync would say yes though they were dropped.
func (w *writer) abandon(err error) {
	l := w.log
	l.opts.Log.Error("log segment given up", "file.name", w.active.name, "error", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	w.active.suspect = true
	l.stats.SyncFailures++
	w.active = nil
}

// full adds ErrFull to the errors that pass when there is room.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
