package wal

import (
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
)

// request is a record on its way to the disk. It is used again for the next when its caller has the answer.
type request struct {
	parts    [][]byte
	length   int
	sum      uint32
	weight   uint64
	position uint64     // set before done
	done     chan error // has room for the answer
}

func newRequest() *request { return &request{done: make(chan error, 1)} }

// fill digests the parts, in the caller's goroutine, but for the first ones, summed many, whose sum is known. They are the
// caller's, and looked at until done.
func (r *request) fill(weight int, parts [][]byte, limit, summed int, sum uint32) error {
	if weight < 0 {
		return fmt.Errorf("append: weight: %d, want at least 0", weight)
	}
	r.length, r.sum, r.weight = 0, sum, uint64(weight)
	for _, p := range parts {
		r.length += len(p)
		if r.length > limit {
			return fmt.Errorf("append: %d bytes or more, want at most %d: %w", r.length, limit, ErrTooLarge)
		}
	}
	for _, p := range parts[summed:] {
		r.sum = crc32.Update(r.sum, castagnoli, p)
	}
	r.parts = append(r.parts[:0], parts...)
	return nil
}

func (r *request) size() int64 { return recordSize(int64(r.length)) }

// queue holds the requests that the writer has not taken yet, one of each caller that waits.
type queue struct {
	mu      sync.Mutex // guards what follows
	waiting []*request
	bytes   int64 // of those
	closed  bool
	filled  chan struct{} // holds a token when there may be more than before
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// add is false when the queue is closed.
func (q *queue) add(r *request) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.waiting = append(q.waiting, r)
	q.bytes += r.size()
	q.mu.Unlock()
	q.wake()
	return true
}

func (q *queue) wake() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// drop takes r back; it is false when the writer was faster.
func (q *queue) drop(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, r)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.bytes -= r.size()
	return true
}

// full tells whether n wait, or as much as a group may hold.
func (q *queue) full(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) >= n || q.bytes >= groupBytes
}

// length is how many wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take moves those who wait to group, up to bytes, but at least one.
func (q *queue) take(group []*request, bytes int64) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.waiting) && bytes > 0 {
		size := q.waiting[n].size()
		bytes -= size
		q.bytes -= size
		n++
	}
	group = append(group[:0], q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	if len(q.waiting) > 0 {
		q.wake()
	}
	return group
}

// close refuses all who wait, and whoever comes.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, r := range q.waiting {
		r.done <- ErrClosed
	}
	q.waiting, q.bytes = nil, 0
}
