package ingestion

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"pgregory.net/rapid"
)

var _ mem.BufferPool = (*pool)(nil)

func TestAPoolGivesTheLengthAskedForAndNoBufferTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &pool{}
		out := map[*byte]*[]byte{} // by first byte
		for range rapid.IntRange(1, 50).Draw(rt, "steps") {
			if len(out) > 0 && rapid.Bool().Draw(rt, "put") {
				for first, b := range out {
					p.Put(b)
					delete(out, first)
					break
				}
				continue
			}
			n := rapid.IntRange(1, 1<<(largestPooled+1)).Draw(rt, "length")
			b := p.Get(n)
			require.Len(rt, *b, n)
			require.Nil(rt, out[&(*b)[0]]) // by where it is: NotContains would compare what is there
			out[&(*b)[0]] = b
		}
	})
	p := &pool{}
	odd := make([]byte, 1000) // not one of its own
	p.Put(&odd)
	require.Len(t, *p.Get(0), 0)
}
