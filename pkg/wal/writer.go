package wal

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// groupBytes is where a group is cut off, so that one sync is never kept waiting by an endless row of appends.
const groupBytes = 8 << 20

// linger is how long a group waits, at most, for those who were there a moment ago. A sync costs as much processor time
// as some thousand spans, whatever it carries. Callers who wait for each answer come again within that time; who comes
// alone waits for nobody.
const linger = 1 * time.Millisecond

// writer is the goroutine that writes. It alone touches its fields.
type writer struct {
	log    *Log
	active *segment // nil until the first record, and after a failure
	offset int64    // where the next group goes
	synced int64    // what lies before it was synced
	next   uint64
	total  uint64
	group  []*request
	expect int // callers who were there at the last sync, those included who came while it went on
	layout layout
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
		case <-w.log.queue.filled:
			if w.log.queue.length() == 0 {
				continue // they went with the group before
			}
			w.gather()
			w.group = w.log.queue.take(w.group, groupBytes)
			w.commit(w.group)
			clear(w.group)
		case <-tick:
			w.syncLate()
		case <-w.log.quit:
			w.log.queue.close()
			w.syncLate()
			return
		}
	}
}

// gather waits until as many callers are there as before, or a group is full, but no longer than linger.
func (w *writer) gather() {
	q := w.log.queue
	if w.log.opts.Sync != SyncAlways || q.full(w.expect) {
		return
	}
	over := time.NewTimer(linger)
	defer over.Stop()
	for !q.full(w.expect) {
		select {
		case <-q.filled:
		case <-over.C:
			return
		case <-w.log.quit:
			return
		}
	}
}

// commit stores the group, in as many writes as it takes segments, and answers everyone. Who has the answer may use
// the request for something else.
func (w *writer) commit(group []*request) {
	for len(group) > 0 {
		n, err := w.fit(group)
		if err == nil {
			err = w.store(group[:n])
		}
		if err != nil {
			n = len(group)
		}
		w.expect = len(group) + w.log.queue.length() // before those who have an answer come again
		for _, r := range group[:n] {
			r.done <- err
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
	w.layout.set(w.log.id, w.next-1, w.total, batch)
	defer w.layout.reset()
	err := w.put(len(batch))
	if err == nil {
		return nil
	}
	w.abandon(err)
	if err := w.rotate(); err != nil {
		return err
	}
	if err := w.put(len(batch)); err != nil {
		w.abandon(err)
		return full(err)
	}
	return nil
}

// put writes the layout at offset, syncs as the policy wants, and shows the records to the readers.
func (w *writer) put(records int) error {
	if err := w.active.file.WriteParts(w.layout.parts, w.offset); err != nil {
		return fmt.Errorf("write %s at %d: %w", w.active.name, w.offset, err)
	}
	l, start, last := w.log, w.offset, w.layout.last
	if l.opts.Sync == SyncAlways {
		if err := w.active.file.Sync(); err != nil {
			return fmt.Errorf("sync %s: %w", w.active.name, err)
		}
		w.synced = start + w.layout.bytes
	}
	w.offset, w.next, w.total = start+w.layout.bytes, last.position+1, last.total
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Records += uint64(records)
	for _, p := range w.layout.places {
		p.base, p.offset = w.active.base, start+p.offset
		w.active.note(p)
	}
	switch l.opts.Sync {
	case SyncAlways:
		l.stats.Syncs++
		w.show()
	case SyncNone:
		w.show()
	case SyncInterval: // readers see them after the sync
	}
	return nil
}

// show lets readers go up to offset; Log.mu is held.
func (w *writer) show() {
	l := w.log
	w.active.end, w.active.last, w.active.total = w.offset, w.next-1, w.total
	l.position, l.newest, l.total = w.next-1, w.next-1, w.total
	if l.advanced != nil {
		close(l.advanced)
		l.advanced = nil
	}
}

// syncLate makes durable what SyncInterval left, and at the end also what SyncNone did. A failure cannot be made good
// any more, since the bytes are gone from memory: it ends the segment, and readers get what the file still gives.
func (w *writer) syncLate() {
	if w.active == nil || w.synced == w.offset {
		return
	}
	err := w.active.file.Sync()
	w.synced = w.offset
	w.log.mu.Lock()
	w.log.stats.Syncs++
	w.show()
	w.log.mu.Unlock()
	if err != nil {
		w.abandon(fmt.Errorf("sync %s: %w", w.active.name, err))
	}
}

// abandon gives the segment up after a failure: what the system does with the pages afterwards is unknown, and a
// second sync would say yes though they were dropped. What was acknowledged before the failed write is synced for the
// first time here.
func (w *writer) abandon(err error) {
	l := w.log
	if l.opts.Sync == SyncInterval && w.synced != w.offset {
		w.syncLate()
	}
	if w.active == nil {
		return // the sync failed as well, and has given it up
	}
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
