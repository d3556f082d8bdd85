package ingestion

import (
	"math/bits"
	"sync"
)

const (
	smallestPooled = 8  // power of two
	largestPooled  = 17 // what a connection is read into, 16 KiB frames and 128 KiB at most
)

// pool is the mem.BufferPool that gRPC reads connections into. That of gRPC clears every buffer that it gives, which costs
// as much as to check what is in it; what is read here is overwritten up to its length before anyone looks at it.
type pool struct {
	free [largestPooled + 1]sync.Pool // of *[]byte, by power of two
}

// Get implements mem.BufferPool.
func (p *pool) Get(length int) *[]byte {
	class := max(bits.Len(uint(max(length, 1)-1)), smallestPooled)
	if class > largestPooled {
		b := make([]byte, length)
		return &b
	}
	b, _ := p.free[class].Get().(*[]byte)
	if b == nil {
		made := make([]byte, 1<<class)
		b = &made
	}
	*b = (*b)[:length]
	return b
}

// Put implements mem.BufferPool.
func (p *pool) Put(b *[]byte) {
	class := bits.Len(uint(cap(*b))) - 1
	if class < smallestPooled || class > largestPooled || cap(*b) != 1<<class {
		return
	}
	p.free[class].Put(b)
}
