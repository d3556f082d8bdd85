package histogram

import (
	"math"
	"slices"
)

// Explicit holds buckets with bounds that rise: Counts[i] observations in (Bounds[i-1], Bounds[i]], and one count more than
// bounds, for what is above the last. Without counts it says nothing.
type Explicit struct {
	Bounds []float64
	Counts []uint64
}

func (e Explicit) empty() bool { return len(e.Counts) == 0 }

func (e Explicit) valid() bool {
	if len(e.Counts) != len(e.Bounds)+1 {
		return false
	}
	for i, bound := range e.Bounds {
		if math.IsNaN(bound) || i > 0 && bound <= e.Bounds[i-1] {
			return false
		}
	}
	return true
}

// limit leaves out bounds that are infinite, which part nothing, and every so many when there are too many.
func (e Explicit) limit() Explicit {
	if e.empty() {
		return e
	}
	step := (len(e.Counts) + MaxBuckets - 1) / MaxBuckets
	kept := make([]float64, 0, min(len(e.Bounds), MaxBuckets))
	for i, bound := range e.Bounds {
		if finite(bound) && (i+1)%step == 0 {
			kept = append(kept, bound)
		}
	}
	return e.at(kept)
}

// at gives e with the given bounds, which are some of its own.
func (e Explicit) at(bounds []float64) Explicit {
	if len(bounds) == len(e.Bounds) {
		return e
	}
	counts := make([]uint64, len(bounds)+1)
	j := 0
	for i, n := range e.Counts {
		for j < len(bounds) && (i == len(e.Bounds) || bounds[j] < e.Bounds[i]) {
			j++
		}
		counts[j] = plus(counts[j], n)
	}
	return Explicit{bounds, counts}
}

// align gives both with the bounds that both have.
func (e Explicit) align(f Explicit) (Explicit, Explicit) {
	if slices.Equal(e.Bounds, f.Bounds) {
		return e, f
	}
	var common []float64
	for _, bound := range e.Bounds {
		if _, has := slices.BinarySearch(f.Bounds, bound); has {
			common = append(common, bound)
		}
	}
	return e.at(common), f.at(common)
}

// since gives nothing if one of them has no buckets; false if a bucket fell.
func (e Explicit) since(before Explicit) (Explicit, bool) {
	if e.empty() || before.empty() {
		return Explicit{}, true
	}
	e, before = e.align(before)
	grown := make([]uint64, len(e.Counts))
	for i, n := range e.Counts {
		if n < before.Counts[i] {
			return Explicit{}, false
		}
		grown[i] = n - before.Counts[i]
	}
	return Explicit{e.Bounds, grown}, true
}

func (e Explicit) plus(more Explicit) Explicit {
	if e.empty() || more.empty() {
		return Explicit{}
	}
	e, more = e.align(more)
	both := make([]uint64, len(e.Counts))
	for i, n := range e.Counts {
		both[i] = plus(n, more.Counts[i])
	}
	return Explicit{e.Bounds, both}
}

// negative tells whether some of the observations may be below zero. What is below a first bound above zero is taken to
// be from zero on, as in quantile.
func (e Explicit) negative() bool {
	for i, n := range e.Counts {
		if n > 0 && (i == 0 && len(e.Bounds) > 0 && e.Bounds[0] <= 0 || i > 0 && e.Bounds[i-1] < 0) {
			return true
		}
	}
	return false
}

// quantile tells what lies beyond the last bound as that bound, and what lies below a first bound that is not above
// zero as that.
func (e Explicit) quantile(q float64) (float64, bool) {
	all := float64(total(e.Counts))
	if all == 0 || len(e.Bounds) == 0 {
		return 0, false
	}
	below := 0.0
	for i, bound := range e.Bounds {
		n := float64(e.Counts[i])
		if n == 0 || below+n < q*all {
			below += n
			continue
		}
		low := 0.0
		switch {
		case i > 0:
			low = e.Bounds[i-1]
		case bound <= 0:
			return bound, true
		}
		part := max(0, q*all-below) / n
		return low*(1-part) + bound*part, true
	}
	return e.Bounds[len(e.Bounds)-1], true
}
