package ingestion

import (
	"context"
	"sync"
	"time"
)

// paceTime is how long a sender is kept waiting, at most, for the one who hands on.
const paceTime = 20 * time.Millisecond

// tailSlots is how many of the newest records a tail knows of.
const tailSlots = 1 << 12

// tail holds the newest records of a log in memory, for those who follow closely: they need not read from disk what was
// written a moment ago. What is not in it any more is on disk. Many goroutines may use it.
type tail struct {
	limit     int64
	followers int // who take each record once

	mu    sync.Mutex // guards what follows
	slots [tailSlots]slot
	held  int64
	least uint64        // what is below is only on disk
	last  uint64        // the highest position
	moved chan struct{} // closed at the next put

	through uint64        // bytes that were ever put
	led     uint64        // as through was when the record was put that the leader took last
	halted  bool          // the leader was waited for, and took nothing
	near    chan struct{} // closed when the leader is near again; nil while nobody waits for that
}

// slot is a record; without a buffer it was let go.
type slot struct {
	position uint64
	items    int
	at       time.Time
	tenant   string
	payload  []byte // within the buffer
	digest   uint32 // of it
	buffer   *buffer
	taken    int    // by how many followers
	through  uint64 // bytes put up to and with it
}

// newTail makes a tail for what comes behind position.
func newTail(position uint64, limit int64, followers int) *tail {
	return &tail{limit: limit, followers: followers, least: position + 1, moved: make(chan struct{})}
}

// put takes in a record, which shares its buffer with the tail until all have taken it or it is too old. Records may
// come in any order, each position once.
func (t *tail) put(s slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = max(t.last, s.position)
	t.through += uint64(len(s.payload))
	s.through = t.through
	if here := &t.slots[s.position%tailSlots]; s.position >= t.least && here.position < s.position {
		t.drop(here)
		*here = s
		t.held += int64(len(s.payload))
		s.buffer.share()
	}
	for ; t.held > t.limit && t.least <= t.last; t.least++ {
		if old := &t.slots[t.least%tailSlots]; old.position == t.least {
			t.drop(old)
		}
	}
	close(t.moved)
	t.moved = make(chan struct{})
}

// drop lets the bytes of a slot go; mu is held.
func (t *tail) drop(s *slot) {
	if s.buffer == nil {
		return
	}
	t.held -= int64(len(s.payload))
	s.buffer.release()
	s.buffer, s.payload = nil, nil
}

// pace keeps a sender waiting for a moment while the leader, who hands on to the owner of the signal, is about to fall
// behind what is in memory: from there on each record would be read from disk, which takes it longer still. A leader
// that does not get on, or is behind that already, is not waited for.
func (t *tail) pace(ctx context.Context) {
	t.mu.Lock()
	lag, led := int64(t.through-t.led), t.led
	if t.halted || lag <= t.limit/4 || lag > t.limit {
		t.mu.Unlock()
		return
	}
	if t.near == nil {
		t.near = make(chan struct{})
	}
	near := t.near
	t.mu.Unlock()
	over := time.NewTimer(paceTime)
	defer over.Stop()
	select {
	case <-near:
	case <-ctx.Done():
	case <-over.C:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.halted = t.led == led
	}
}

// follow notes how far the leader is; mu is held.
func (t *tail) follow(s *slot) {
	t.led, t.halted = max(t.led, s.through), false
	if t.near != nil && int64(t.through-t.led) <= t.limit/8 {
		close(t.near)
		t.near = nil
	}
}

// take gives the record at a position, whose buffer is then the caller's to release, and waits for it until ctx ends.
// False says that it is to be read from disk. leads tells that the caller is the leader.
func (t *tail) take(ctx context.Context, position uint64, leads bool) (slot, bool) {
	for {
		s, found, moved := t.look(position, leads)
		if found || moved == nil {
			return s, found
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return slot{}, false
		}
	}
}

// look is take without waiting; moved is nil when the record will not come any more. A position that was passed by a
// quarter of the slots is not waited for: the disk knows.
func (t *tail) look(position uint64, leads bool) (s slot, found bool, moved <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	here := &t.slots[position%tailSlots]
	switch {
	case position < t.least, here.position > position, t.last > position+tailSlots/4 && here.position != position:
		return slot{}, false, nil
	case here.position < position:
		return slot{}, false, t.moved
	case here.buffer == nil:
		return slot{}, false, nil
	}
	s = *here
	if leads {
		t.follow(here)
	}
	s.buffer.share()
	if here.taken++; here.taken == t.followers {
		t.drop(here)
	}
	return s, true, nil
}

// clear lets all go.
func (t *tail) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.slots {
		t.drop(&t.slots[i])
	}
}
