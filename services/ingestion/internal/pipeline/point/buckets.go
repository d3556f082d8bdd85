package point

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// Fields of the Buckets of an exponential histogram.
const (
	bucketsOffset protowire.Number = 1
	bucketsCounts protowire.Number = 2
)

// buckets is one side of an exponential histogram: counts of the buckets from offset on.
type buckets struct {
	offset int64
	counts []uint64
}

// read adds the message raw, as protobuf does with one that comes in parts.
func (b *buckets) read(raw []byte) bool {
	c := record.Over(raw)
	for c.Next() {
		switch {
		case c.Num == bucketsOffset && c.Type == protowire.VarintType:
			b.offset = int64(int32(protowire.DecodeZigZag(c.Bits & math.MaxUint32)))
		case c.Num == bucketsCounts && c.Type == protowire.VarintType:
			b.counts = append(b.counts, c.Bits)
		case c.Is(bucketsCounts):
			for v := c.Value; len(v) > 0; {
				count, n := protowire.ConsumeVarint(v)
				if n < 0 {
					return false
				}
				b.counts, v = append(b.counts, count), v[n:]
			}
		}
	}
	return c.Err() == nil
}

// trim leaves out empty buckets at both ends.
func (b *buckets) trim() {
	for len(b.counts) > 0 && b.counts[0] == 0 {
		b.counts = b.counts[1:]
		b.offset++
	}
	for len(b.counts) > 0 && b.counts[len(b.counts)-1] == 0 {
		b.counts = b.counts[:len(b.counts)-1]
	}
	if len(b.counts) == 0 {
		b.offset = 0
	}
}

// fit tells whether the numbers of the buckets are those that the wire has.
func (b *buckets) fit() bool {
	return b.offset >= math.MinInt32 && b.offset+int64(len(b.counts)) <= math.MaxInt32
}

func (b *buckets) end() int64 { return b.offset + int64(len(b.counts)) }

// excess tells how often buckets have to be joined in pairs for both to find room.
func (b *buckets) excess(o buckets) (by int32) {
	if len(b.counts) == 0 || len(o.counts) == 0 {
		return 0
	}
	first, last := min(b.offset, o.offset), max(b.end(), o.end())-1
	limit := int64(max(maxBuckets, len(b.counts), len(o.counts)))
	for last>>by-first>>by >= limit {
		by++
	}
	return by
}

func (b *buckets) coarsen(by int32) {
	if by == 0 || len(b.counts) == 0 {
		return
	}
	first := b.offset >> by
	counts := make([]uint64, (b.end()-1)>>by-first+1)
	for i, n := range b.counts {
		counts[(b.offset+int64(i))>>by-first] += n
	}
	b.offset, b.counts = first, counts
}

// add adds buckets of the same scale.
func (b *buckets) add(o buckets) {
	switch {
	case len(o.counts) == 0:
		return
	case len(b.counts) == 0:
		*b = buckets{o.offset, slices.Clone(o.counts)}
		return
	}
	first := min(b.offset, o.offset)
	counts := make([]uint64, max(b.end(), o.end())-first)
	for i, n := range b.counts {
		counts[b.offset-first+int64(i)] += n
	}
	for i, n := range o.counts {
		counts[o.offset-first+int64(i)] += n
	}
	b.offset, b.counts = first, counts
}

// take empties the buckets up to and with number upTo: how much was in them, and in the last of them.
func (b *buckets) take(upTo int64) (n uint64, last int64) {
	for i := range b.counts {
		if at := b.offset + int64(i); at <= upTo && b.counts[i] > 0 {
			n, last = n+b.counts[i], at
			b.counts[i] = 0
		}
	}
	b.trim()
	return n, last
}

func (b *buckets) append(dst []byte, num protowire.Number) []byte {
	if len(b.counts) == 0 {
		return dst
	}
	body := protowire.AppendTag(nil, bucketsOffset, protowire.VarintType)
	body = protowire.AppendVarint(body, protowire.EncodeZigZag(b.offset))
	var list []byte
	for _, n := range b.counts {
		list = protowire.AppendVarint(list, n)
	}
	return record.AppendBytes(dst, num, record.AppendBytes(body, bucketsCounts, list))
}
