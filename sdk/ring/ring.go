package ring

import (
	"math/bits"
	"sync/atomic"
)

const (
	closed      = 1 << 63 // the bit of tail that says Close; a position never gets there
	minCapacity = 2       // with one slot, published and free for the next lap would be the same number
	cacheLine   = 64      // bytes
)

// Ring is the queue. Create it with New; many goroutines may use it.
type Ring[T any] struct {
	slots []slot[T]
	mask  uint64
	_     [cacheLine]byte

	// tail and head are the next positions to claim for producers and consumers. Each has a cache line of its own, so that
	// one side does not slow the other.
	// Invariant: head ≤ tail ≤ head + capacity, counting a position as taken once its slot is released.
	tail atomic.Uint64
	_    [cacheLine - 8]byte
	head atomic.Uint64
	_    [cacheLine - 8]byte
}

// slot is one cell. Different goroutines write neighbours at the same time; the padding makes a slot with an interface
// value, two words, fill a cache line.
type slot[T any] struct {
	sequence atomic.Uint64
	value    T // owned by who claimed the position, see the package documentation
	_        [cacheLine - 24]byte
}

// New returns an empty ring for at least the given number of values: the next power of two, and at least 2.
func New[T any](capacity int) *Ring[T] {
	n := uint64(minCapacity)
	if capacity > minCapacity {
		n = 1 << bits.Len64(uint64(capacity)-1)
	}
	r := &Ring[T]{slots: make([]slot[T], n), mask: n - 1}
	for i := range r.slots {
		r.slots[i].sequence.Store(uint64(i))
	}
	return r
}

// Offer appends v and reports whether it was accepted. It is refused when the ring is full or closed.
func (r *Ring[T]) Offer(v T) bool {
	for {
		position := r.tail.Load()
		if position&closed != 0 {
			return false
		}
		s := &r.slots[position&r.mask]
		switch sequence := s.sequence.Load(); {
		case sequence < position: // not yet released in the lap before: full
			return false
		case sequence > position: // claimed since tail was read
			continue
		}
		if r.tail.CompareAndSwap(position, position+1) {
			s.value = v
			s.sequence.Store(position + 1)
			return true
		}
	}
}

// Take removes the oldest value. It reports false when there is none, or when the oldest is not published yet.
func (r *Ring[T]) Take() (v T, ok bool) {
	var one [1]T
	n := r.TakeBatch(one[:])
	return one[0], n == 1
}

// TakeBatch moves up to len(dst) of the oldest values into dst, in order, and returns how many. It costs one claim however
// many there are. It stops at the first value that is not published yet.
func (r *Ring[T]) TakeBatch(dst []T) int {
	for {
		position := r.head.Load()
		n := r.published(position, len(dst))
		if n == 0 {
			if r.head.Load() != position {
				continue // another consumer got ahead, so what was seen says nothing about the oldest
			}
			return 0
		}
		if r.head.CompareAndSwap(position, position+uint64(n)) {
			for i := range n {
				r.release(position+uint64(i), &dst[i])
			}
			return n
		}
	}
}

// published counts the values from position on that may be taken, up to limit. They stay so until a consumer claims them.
func (r *Ring[T]) published(position uint64, limit int) int {
	for n := range limit {
		p := position + uint64(n)
		if r.slots[p&r.mask].sequence.Load() != p+1 {
			return n
		}
	}
	return limit
}

// release moves the value at a claimed position out and leaves the slot to the next lap, without a reference that would
// keep the value alive.
func (r *Ring[T]) release(position uint64, dst *T) {
	s := &r.slots[position&r.mask]
	var zero T
	*dst, s.value = s.value, zero
	s.sequence.Store(position + r.mask + 1)
}

// Close makes the ring refuse values from now on. Those accepted before can still be taken. It may be called again.
func (r *Ring[T]) Close() { r.tail.Or(closed) }

// Closed reports whether Close was called.
func (r *Ring[T]) Closed() bool { return r.tail.Load()&closed != 0 }

// Len is the number of accepted values that are not taken, also those not published yet. With one consumer, who asks for
// it himself, it never falls but by his own Take; others get an estimate.
func (r *Ring[T]) Len() int {
	head := r.head.Load() // first, so that the difference is never negative
	return int(min(r.Accepted()-head, r.mask+1))
}

// Accepted is the number of values accepted since New.
func (r *Ring[T]) Accepted() uint64 { return r.tail.Load() &^ closed }

// Cap is the number of values the ring can hold.
func (r *Ring[T]) Cap() int { return len(r.slots) }
