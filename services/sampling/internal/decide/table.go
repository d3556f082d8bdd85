package decide

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/threshold"
)

// firstSlots is how many decisions a table has room for at first.
const firstSlots = 1 << 10

// table remembers the latest decisions in a ring, with a chained hash index over it. Nothing in it points to the heap
// but the causes, so a million decisions cost 45 bytes each and the garbage collector nothing.
type table struct {
	seed   uint64 // keeps who chooses trace ids from choosing their buckets; no part of the replicated state
	limit  int
	slots  []slot // grows to limit, then is a ring
	oldest int    // where the ring begins
	heads  []uint32
	causes causes
}

// slot is one decision. References to slots are their index + 1, so that 0 is none.
type slot struct {
	trace id.Trace
	bits  uint64
	nanos int64
	cause uint32
	next  uint32 // the next of its bucket
}

func newTable(seed uint64, limit int) table {
	return table{seed: seed, limit: limit, causes: newCauses()}
}

// find gives the slot of a trace, or nil. It is valid until the next change.
func (t *table) find(trace id.Trace) *slot {
	if len(t.heads) == 0 {
		return nil
	}
	for ref := t.heads[t.bucket(trace)]; ref != 0; {
		s := &t.slots[ref-1]
		if s.trace == trace {
			return s
		}
		ref = s.next
	}
	return nil
}

// insert adds a trace that find does not find, and forgets the oldest if the table is full.
func (t *table) insert(s slot, c Cause) *slot {
	s.cause = t.causes.retain(c)
	at := len(t.slots)
	if at < t.limit {
		if at == cap(t.slots) {
			t.grow(min(t.limit, max(firstSlots, 2*at)))
		}
		t.slots = append(t.slots, s)
	} else {
		at = t.oldest
		t.unlink(at)
		t.causes.release(t.slots[at].cause)
		t.slots[at] = s
		t.oldest = (at + 1) % t.limit
	}
	t.link(at)
	return &t.slots[at]
}

// resize sets the limit, and forgets the oldest above it.
func (t *table) resize(limit int) {
	old := t.ordered()
	for len(old) > limit {
		t.causes.release(old[0].cause)
		old = old[1:]
	}
	t.limit, t.slots, t.oldest = limit, nil, 0
	t.adopt(old)
}

// adopt takes slots over, oldest first, whose causes are retained already.
func (t *table) adopt(slots []slot) {
	t.slots = slots
	t.grow(min(t.limit, max(firstSlots, len(slots))))
}

// ordered copies the slots, oldest first.
func (t *table) ordered() []slot {
	all := make([]slot, 0, len(t.slots))
	return append(append(all, t.slots[t.oldest:]...), t.slots[:t.oldest]...)
}

func (t *table) grow(slots int) {
	if slots > cap(t.slots) {
		t.slots = append(make([]slot, 0, slots), t.slots...)
	}
	t.heads = make([]uint32, 1<<bits.Len(uint(slots)-1))
	for i := range t.slots {
		t.link(i)
	}
}

func (t *table) link(at int) {
	s := &t.slots[at]
	head := &t.heads[t.bucket(s.trace)]
	s.next, *head = *head, uint32(at)+1
}

func (t *table) unlink(at int) {
	ref := &t.heads[t.bucket(t.slots[at].trace)]
	for int(*ref)-1 != at {
		ref = &t.slots[*ref-1].next
	}
	*ref = t.slots[at].next
}

// bucket folds the 128-bit product of the two keyed halves of the id.
func (t *table) bucket(trace id.Trace) uint32 {
	const odd = 0x9e3779b97f4a7c15
	a := binary.LittleEndian.Uint64(trace[:8]) ^ t.seed
	b := binary.LittleEndian.Uint64(trace[8:]) ^ bits.RotateLeft64(t.seed, 32) ^ odd
	high, low := bits.Mul64(a, b)
	return uint32(high^low) & uint32(len(t.heads)-1)
}

func (t *table) decision(s *slot) Decision {
	return Decision{
		Trace:     s.trace,
		Keep:      s.bits&keptBit != 0,
		Matched:   s.bits&matchedBit != 0,
		Threshold: threshold.Threshold(s.bits & thresholdMask),
		Time:      time.Unix(0, s.nanos).UTC(),
		Cause:     t.causes.list[s.cause],
	}
}

// sizeBytes is the memory of slots and index, with the room that they have not used yet.
func (t *table) sizeBytes() int {
	const slotBytes, headBytes = 40, 4
	return slotBytes*cap(t.slots) + headBytes*cap(t.heads)
}
