package ingestion

import (
	"context"
	"sync/atomic"
)

// windowBytes is what a gRPC call may have sent before it is read, the least that HTTP/2 grants (RFC 9113 §6.9.2).
const windowBytes = 1<<16 - 1

// ceiling bounds the bytes of all requests that are being served. Many goroutines may use it.
//
// What is read from HTTP, and unpacked from either, is counted as it comes. gRPC reads messages by itself and tells the
// size afterwards; so only as many calls read at a time as there are seats, each good for a message of the largest size, and
// what the seats may hold is kept apart from what is counted:
//
//	held ≤ limit   and   seats · largest message + limit ≤ ceiling
type ceiling struct {
	limit, largest int64
	held           atomic.Int64
	seats          chan struct{}
}

// newCeiling gives up to half of total to the seats; total is at least twice largest.
func newCeiling(total, largest int64) *ceiling {
	seats := total / 2 / largest
	return &ceiling{limit: total - seats*largest, largest: largest, seats: make(chan struct{}, seats)}
}

// reserve takes n bytes, or refuses at once.
func (c *ceiling) reserve(n int64) *refusal {
	for {
		held := c.held.Load()
		if held+n > c.limit {
			return refuse(overload, "requests in flight hold %d bytes, want at most %d", held, c.limit)
		}
		if c.held.CompareAndSwap(held, held+n) {
			return nil
		}
	}
}

// release gives back what reserve took.
func (c *ceiling) release(n int64) { c.held.Add(-n) }

// read waits for a seat and calls f in it, which gives the size of what it read; held are then to be released. A call
// that waits is counted with its window, so that the windows are bounded as well.
func (c *ceiling) read(ctx context.Context, f func() (int, *refusal)) (held int64, _ *refusal) {
	if r := c.reserve(windowBytes); r != nil {
		return 0, r
	}
	select {
	case c.seats <- struct{}{}:
		c.release(windowBytes)
	case <-ctx.Done():
		c.release(windowBytes)
		return 0, refuse(overload, "request waited too long to be read: %v", ctx.Err())
	}
	defer func() { <-c.seats }()
	n, r := f()
	if r != nil {
		return 0, r
	}
	if r := c.reserve(int64(n)); r != nil {
		return 0, r
	}
	return int64(n), nil
}

// bytes is how much is held now, a seat in use counted in full.
func (c *ceiling) bytes() int64 { return c.held.Load() + int64(len(c.seats))*c.largest }
