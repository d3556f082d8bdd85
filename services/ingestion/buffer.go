package ingestion

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	smallestBuffer = 12 // power of two
	largestBuffer  = 26 // above the 32 MiB that a request may have, doubled once
)

// buffer holds the bytes of a request. Those who share it each free it once; the last one gives the memory back.
type buffer struct {
	bytes []byte
	refs  atomic.Int32
	home  *buffers
}

// buffers keeps memory that was used: a fresh page costs a fault and zeroing, which is more than all that is done to the
// bytes in it. Many goroutines may use it.
type buffers struct {
	limit int64 // bytes that are kept

	mu   sync.Mutex // guards what follows
	kept int64
	free [largestBuffer + 1][]*buffer // by power of two
	gone func([]byte)                 // when set, sees what is freed
}

// get gives an empty buffer with room for at least n bytes, owned by the caller.
func (p *buffers) get(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), smallestBuffer)
	if class > largestBuffer {
		return p.own(&buffer{bytes: make([]byte, 0, n), home: p})
	}
	p.mu.Lock()
	if last := len(p.free[class]) - 1; last >= 0 {
		b := p.free[class][last]
		p.free[class][last] = nil
		p.free[class] = p.free[class][:last]
		p.kept -= 1 << class
		p.mu.Unlock()
		return p.own(b)
	}
	p.mu.Unlock()
	return p.own(&buffer{bytes: make([]byte, 0, 1<<class), home: p})
}

func (p *buffers) own(b *buffer) *buffer {
	b.refs.Store(1)
	return b
}

// share makes one more owner.
func (b *buffer) share() *buffer {
	b.refs.Add(1)
	return b
}

// release ends the caller's ownership; nil is fine.
func (b *buffer) release() {
	if b == nil || b.refs.Add(-1) > 0 {
		return
	}
	p, size := b.home, int64(cap(b.bytes))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone != nil {
		p.gone(b.bytes)
	}
	b.bytes = b.bytes[:0]
	class := bits.Len64(uint64(size)) - 1
	if p.kept+size > p.limit || size != 1<<class || class > largestBuffer {
		return
	}
	p.kept += size
	p.free[class] = append(p.free[class], b)
}

// grow gives b with room for n more bytes: itself, or another that it was copied to.
func (b *buffer) grow(n int) *buffer {
	if cap(b.bytes)-len(b.bytes) >= n {
		return b
	}
	to := b.home.get(len(b.bytes) + n)
	to.bytes = append(to.bytes, b.bytes...)
	b.release()
	return to
}
