package point

import (
	"math"
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// Fields of an ExponentialHistogramDataPoint.
const (
	exponentialCount     protowire.Number = 4
	exponentialSum       protowire.Number = 5
	exponentialScale     protowire.Number = 6
	exponentialZero      protowire.Number = 7
	exponentialPositive  protowire.Number = 8
	exponentialNegative  protowire.Number = 9
	exponentialMin       protowire.Number = 12
	exponentialMax       protowire.Number = 13
	exponentialThreshold protowire.Number = 14
)

const (
	// maxBuckets is what a side may come to, as SDKs have it, unless one that came has more.
	maxBuckets = 160
	// maxScale bounds scales on both sides. Beyond it no bucket of a float64 differs from its neighbour.
	maxScale = 40
)

// exponential has buckets i for values in (base^i, base^(i+1)], where base is 2^2^-scale.
type exponential struct {
	count, zero        uint64
	sum, min, max      optional
	scale              int32
	threshold          float64 // what is within it is in zero
	positive, negative buckets
}

func (x *exponential) field(f *record.Field) bool {
	fixed := f.Type == protowire.Fixed64Type
	switch {
	case f.Is(exponentialPositive):
		return x.positive.read(f.Value)
	case f.Is(exponentialNegative):
		return x.negative.read(f.Value)
	case f.Num == exponentialScale && f.Type == protowire.VarintType:
		x.scale = int32(protowire.DecodeZigZag(f.Bits & math.MaxUint32))
	case f.Num == exponentialCount && fixed:
		x.count = f.Bits
	case f.Num == exponentialZero && fixed:
		x.zero = f.Bits
	case f.Num == exponentialSum && fixed:
		x.sum = known(f.Bits)
	case f.Num == exponentialMin && fixed:
		x.min = known(f.Bits)
	case f.Num == exponentialMax && fixed:
		x.max = known(f.Bits)
	case f.Num == exponentialThreshold && fixed:
		x.threshold = math.Float64frombits(f.Bits)
	}
	return true
}

func (x *exponential) reset() {
	*x = exponential{positive: buckets{counts: x.positive.counts[:0]}, negative: buckets{counts: x.negative.counts[:0]}}
}

func (x *exponential) empty() bool { return false }

func (x *exponential) sound() bool {
	x.positive.trim()
	x.negative.trim()
	sum, carry := x.zero, uint64(0)
	for _, side := range []buckets{x.positive, x.negative} {
		for _, n := range side.counts {
			var c uint64
			sum, c = bits.Add64(sum, n, 0)
			carry |= c
		}
	}
	return carry == 0 && sum == x.count && x.scale >= -maxScale && x.scale <= maxScale && x.threshold >= 0 &&
		!math.IsInf(x.threshold, 0) && x.positive.fit() && x.negative.fit()
}

func (x *exponential) add(other body, _ How) bool {
	o := other.(*exponential)
	count, carry := bits.Add64(x.count, o.count, 0)
	if carry != 0 {
		return false
	}
	// No bucket overflows now, since each count is the sum of its buckets.
	x.count, x.zero = count, x.zero+o.zero
	x.sum, x.min, x.max = x.sum.with(o.sum, plus), x.min.with(o.min, math.Min), x.max.with(o.max, math.Max)
	scale := min(x.scale, o.scale)
	x.coarsen(x.scale - scale)
	o.coarsen(o.scale - scale)
	down := max(x.positive.excess(o.positive), x.negative.excess(o.negative))
	x.coarsen(down)
	o.coarsen(down)
	x.positive.add(o.positive)
	x.negative.add(o.negative)
	if x.threshold != o.threshold {
		x.widen(max(x.threshold, o.threshold))
	}
	return true
}

// coarsen joins 2^by buckets to one.
func (x *exponential) coarsen(by int32) {
	x.scale -= by
	x.positive.coarsen(by)
	x.negative.coarsen(by)
}

// widen makes the zero bucket reach to threshold, or to the end of the last bucket with something in it that begins
// before.
func (x *exponential) widen(threshold float64) {
	x.threshold = threshold
	covered := int64(math.Ceil(math.Ldexp(math.Log2(threshold), int(x.scale)))) - 1
	for _, side := range []*buckets{&x.positive, &x.negative} {
		n, last := side.take(covered)
		if n == 0 {
			continue
		}
		x.zero += n
		x.threshold = max(x.threshold, math.Exp2(math.Ldexp(float64(last+1), -int(x.scale))))
	}
	if math.IsInf(x.threshold, 0) {
		x.threshold = math.MaxFloat64
	}
}

func (x *exponential) finish(How) {}

func (x *exponential) append(dst []byte) []byte {
	dst = appendFixed(dst, exponentialCount, x.count)
	dst = x.sum.append(dst, exponentialSum)
	if x.scale != 0 {
		dst = protowire.AppendTag(dst, exponentialScale, protowire.VarintType)
		dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(int64(x.scale)))
	}
	dst = appendFixed(dst, exponentialZero, x.zero)
	dst = x.positive.append(dst, exponentialPositive)
	dst = x.negative.append(dst, exponentialNegative)
	dst = x.max.append(x.min.append(dst, exponentialMin), exponentialMax)
	return appendFixed(dst, exponentialThreshold, math.Float64bits(x.threshold))
}
