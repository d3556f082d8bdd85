// Package histogram is the arithmetic of distributions: what one has more than another, two together, and quantiles. It
// is pure, and its values are never changed once they are made.
//
// Two distributions of one metric may have their buckets at different places: an exponential one lowers its scale as its
// values spread, and widens its zero bucket; an explicit one gets other bounds with a new version of a program. They are
// compared at the finest resolution that both have:
//
//	scale 3   |··|··|··|··|··|··|··|··|      explicit   0.1   0.5    1       5
//	scale 2   |·····|·····|·····|·····|      explicit         0.5    1   2   5
//	compared at scale 2                      compared at      0.5    1       5
//
// Lowering the scale by one joins neighbours in pairs, exactly, so nothing is estimated; an explicit histogram is cut
// down to the bounds that both have. Counts are exact integers.
//
// Invariants: the counts of the buckets of a Distribution add up to its Count, or it has no buckets; it has at most
// MaxBuckets on each side of zero, so its memory is bounded.
//
// What can only rise and has fallen (the count, a bucket, the sum while nothing negative was observed) shows that the
// second is no continuation of the first. Prometheus takes the same signs but the sum for a reset of a native histogram.
package histogram

import "math"

// MaxBuckets bounds the buckets of one side. It is what OpenTelemetry's SDKs use at most by default.
const MaxBuckets = 160

// plus adds counts; a sum beyond 64 bits, which only a hostile sender can cause, stays at the largest.
func plus(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

func total(counts []uint64) (sum uint64) {
	for _, n := range counts {
		sum = plus(sum, n)
	}
	return sum
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
