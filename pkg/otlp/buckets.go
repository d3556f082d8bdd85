package otlp

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// tally is what the buckets of a histogram point hold together.
type tally struct {
	exponential    bool
	counts, bounds int
	// count is what the point says, zero its zero bucket, sum what the others hold.
	count, zero, sum uint64
	// over tells that the sum does not fit 64 bits.
	over bool
	// unrecorded is the flag of a point that stands for no value.
	unrecorded bool
}

// misfit names the field that cannot be right and says why, or is empty. The rules are those of OTLP: one bucket more
// than there are bounds, or no buckets at all; and a count that is the sum of the buckets, the zero bucket included.
func (t tally) misfit() (field, text string) {
	sum, carry := bits.Add64(t.sum, t.zero, 0)
	switch {
	case t.unrecorded:
		return "", ""
	case !t.exponential && t.counts != t.bounds+1 && (t.counts != 0 || t.bounds != 0):
		return "bucket_counts", fmt.Sprintf("%d bucket counts, want %d for %d bounds", t.counts, t.bounds+1, t.bounds)
	case !t.exponential && t.counts == 0:
		return "", ""
	case t.over || carry != 0:
		return "count", "the bucket counts add up to more than 64 bits"
	case sum != t.count:
		return "count", fmt.Sprintf("count is %d, want %d, the sum of its bucket counts", t.count, sum)
	}
	return "", ""
}

func (t *tally) add(n uint64) {
	var carry uint64
	t.sum, carry = bits.Add64(t.sum, n, 0)
	t.over = t.over || carry != 0
	t.counts++
}

// tallyOf reads a HistogramDataPoint or an ExponentialHistogramDataPoint, whose framing is good. Of a number that is
// given twice the last counts, and lists add up, as in protobuf.
func tallyOf(b []byte, id messageID, rng Range) tally {
	t := tally{exponential: id == exponentialPoint}
	for c := over(b, rng); c.next(); {
		switch {
		case c.num == 4 && c.typ == wireFixed64:
			t.count = c.val
		case c.num == 10 && c.typ == wireVarint:
			t.unrecorded = c.val&1 != 0
		case !t.exponential && c.num == 6:
			t.addFixed(&c)
		case !t.exponential && c.num == 7 && c.typ == wireFixed64:
			t.bounds++
		case !t.exponential && c.num == 7 && c.typ == wireBytes:
			t.bounds += len(c.value()) / 8
		case t.exponential && c.num == 7 && c.typ == wireFixed64:
			t.zero = c.val
		case t.exponential && (c.num == 8 || c.num == 9) && c.typ == wireBytes:
			t.addBuckets(b, c.at())
		case c.typ == wireBytes:
			c.more() // attributes
		}
	}
	return t
}

// addFixed adds the bucket counts that c is at, packed or not.
func (t *tally) addFixed(c *cursor) {
	switch c.typ {
	case wireFixed64:
		t.add(c.val)
	case wireBytes:
		for v := c.value(); len(v) >= 8; v = v[8:] {
			t.add(binary.LittleEndian.Uint64(v))
		}
	}
}

// addBuckets adds the counts of one side of an exponential histogram.
func (t *tally) addBuckets(b []byte, rng Range) {
	numbers(b[rng.Off:rng.Off+rng.Len], 2, wireVarint, func(n uint64) bool {
		t.add(n)
		return true
	})
}
