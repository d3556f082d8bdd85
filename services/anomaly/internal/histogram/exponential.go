package histogram

import (
	"math"
	"slices"
)

// Exponential holds buckets whose width grows with their distance from zero: with base = 2^(2^-Scale), index i of a side
// is for magnitudes in (base^i, base^(i+1)]. Zero counts magnitudes up to ZeroThreshold. All zero, it says nothing.
type Exponential struct {
	Scale         int
	Zero          uint64
	ZeroThreshold float64
	Positive      Side
	Negative      Side
}

// Side holds the buckets of one sign; Counts[0] is for index Offset.
type Side struct {
	Offset int
	Counts []uint64
}

func (e Exponential) empty() bool {
	return e.Zero == 0 && len(e.Positive.Counts) == 0 && len(e.Negative.Counts) == 0
}

func (e Exponential) total() uint64 {
	return plus(e.Zero, plus(total(e.Positive.Counts), total(e.Negative.Counts)))
}

func (e Exponential) negative() bool { return total(e.Negative.Counts) > 0 }

// limit lowers the scale until each side has few enough buckets. The outcome shares no memory with e, so that it does not
// hold on to what was cut off.
func (e Exponential) limit() Exponential {
	if !(e.ZeroThreshold >= 0) || !finite(e.ZeroThreshold) {
		e.ZeroThreshold = 0
	}
	e.Positive, e.Negative = e.Positive.trim(), e.Negative.trim()
	e = e.lower(e.Scale - tooFine(e.Positive.ends(), e.Negative.ends()))
	e.Positive.Counts, e.Negative.Counts = slices.Clone(e.Positive.Counts), slices.Clone(e.Negative.Counts)
	return e
}

// tooFine is by how much the scale must be lowered so that each range of indexes is short enough.
func tooFine(ranges ...[2]int) (by int) {
	for _, r := range ranges {
		for r[1]>>by-r[0]>>by >= MaxBuckets {
			by++
		}
	}
	return by
}

// lower gives e at a scale that is not higher than its own.
func (e Exponential) lower(scale int) Exponential {
	by := e.Scale - scale
	e.Scale, e.Positive, e.Negative = scale, e.Positive.lower(by), e.Negative.lower(by)
	return e
}

// align gives both at the lower of their scales and with the wider of their zero buckets. A bucket that the wider one
// cuts belongs to it as a whole, which widens it in turn.
func (e Exponential) align(f Exponential) (Exponential, Exponential) {
	scale := min(e.Scale, f.Scale)
	e, f = e.lower(scale), f.lower(scale)
	for e.ZeroThreshold != f.ZeroThreshold {
		wide := max(e.ZeroThreshold, f.ZeroThreshold)
		e, f = e.widen(wide), f.widen(wide)
	}
	return e, f
}

// widen moves all that begins below the threshold into the zero bucket, whose threshold becomes at least that.
func (e Exponential) widen(threshold float64) Exponential {
	if threshold == e.ZeroThreshold {
		return e
	}
	e.ZeroThreshold = threshold
	for _, side := range []*Side{&e.Positive, &e.Negative} {
		n := 0
		for ; n < len(side.Counts) && bound(e.Scale, float64(side.Offset+n)) < threshold; n++ {
			if side.Counts[n] > 0 {
				e.Zero = plus(e.Zero, side.Counts[n])
				e.ZeroThreshold = max(e.ZeroThreshold, bound(e.Scale, float64(side.Offset+n+1)))
			}
		}
		*side = Side{side.Offset + n, side.Counts[n:]}.trim()
	}
	return e
}

func (e Exponential) since(before Exponential) (Exponential, bool) {
	switch {
	case before.empty():
		return e, true
	case e.empty(): // its buckets are not known
		return Exponential{}, true
	}
	e, before = e.align(before)
	positive, ok := e.Positive.since(before.Positive)
	negative, whole := e.Negative.since(before.Negative)
	if !ok || !whole || e.Zero < before.Zero {
		return Exponential{}, false
	}
	e.Zero -= before.Zero
	e.Positive, e.Negative = positive, negative
	return e, true
}

func (e Exponential) plus(more Exponential) Exponential {
	switch {
	case more.empty():
		return e
	case e.empty():
		return more
	}
	e, more = e.align(more)
	// Two short ranges may lie far apart, so there must be room for both before they are joined.
	scale := e.Scale - tooFine(e.Positive.hull(more.Positive), e.Negative.hull(more.Negative))
	e, more = e.lower(scale), more.lower(scale)
	e.Zero = plus(e.Zero, more.Zero)
	e.Positive, e.Negative = e.Positive.plus(more.Positive), e.Negative.plus(more.Negative)
	return e
}

// quantile goes from the most negative bucket to the most positive one. Within a bucket it is geometric, which is the
// bound of an index that is no whole number. What is in the zero bucket is zero.
func (e Exponential) quantile(q float64) (float64, bool) {
	all := float64(e.total())
	if all == 0 {
		return 0, false
	}
	left := q * all
	for i := len(e.Negative.Counts) - 1; i >= 0; i-- {
		n := float64(e.Negative.Counts[i])
		if n > 0 && left <= n {
			return -e.value(float64(e.Negative.Offset+i+1) - left/n), true
		}
		left -= n
	}
	if left <= float64(e.Zero) {
		return 0, true
	}
	left -= float64(e.Zero)
	for i, count := range e.Positive.Counts {
		n := float64(count)
		if n > 0 && left <= n {
			return e.value(float64(e.Positive.Offset+i) + left/n), true
		}
		left -= n
	}
	if len(e.Positive.Counts) == 0 {
		return 0, true
	}
	return e.value(float64(e.Positive.ends()[1] + 1)), true // what rounding left over
}

// value is a magnitude, the largest number where the buckets go beyond it.
func (e Exponential) value(index float64) float64 { return min(bound(e.Scale, index), math.MaxFloat64) }

// bound is the lower bound of an index.
func bound(scale int, index float64) float64 { return math.Exp2(math.Ldexp(index, -scale)) }

// trim leaves out the empty buckets at both ends.
func (s Side) trim() Side {
	from, to := 0, len(s.Counts)
	for from < to && s.Counts[from] == 0 {
		from++
	}
	for to > from && s.Counts[to-1] == 0 {
		to--
	}
	if from == to {
		return Side{}
	}
	return Side{s.Offset + from, s.Counts[from:to]}
}

// ends are the first and the last index.
func (s Side) ends() [2]int { return [2]int{s.Offset, s.Offset + max(0, len(s.Counts)-1)} }

// hull is the range of both.
func (s Side) hull(t Side) [2]int {
	a, b := s.ends(), t.ends()
	switch {
	case len(s.Counts) == 0:
		return b
	case len(t.Counts) == 0:
		return a
	}
	return [2]int{min(a[0], b[0]), max(a[1], b[1])}
}

// lower joins 2^by neighbours into one.
func (s Side) lower(by int) Side {
	if by == 0 || len(s.Counts) == 0 {
		return s
	}
	ends := s.ends()
	out := Side{ends[0] >> by, make([]uint64, ends[1]>>by-ends[0]>>by+1)}
	for i, n := range s.Counts {
		at := (s.Offset+i)>>by - out.Offset
		out.Counts[at] = plus(out.Counts[at], n)
	}
	return out
}

// since wants every bucket of before to be in s; a bucket of zero is no bucket.
func (s Side) since(before Side) (Side, bool) {
	before = before.trim()
	if len(before.Counts) == 0 {
		return s, true
	}
	shift := before.Offset - s.Offset
	if shift < 0 || shift+len(before.Counts) > len(s.Counts) {
		return Side{}, false
	}
	grown := Side{s.Offset, append([]uint64(nil), s.Counts...)}
	for i, n := range before.Counts {
		if grown.Counts[shift+i] < n {
			return Side{}, false
		}
		grown.Counts[shift+i] -= n
	}
	return grown.trim(), true
}

func (s Side) plus(more Side) Side {
	switch {
	case len(s.Counts) == 0:
		return more
	case len(more.Counts) == 0:
		return s
	}
	hull := s.hull(more)
	both := Side{hull[0], make([]uint64, hull[1]-hull[0]+1)}
	for _, part := range []Side{s, more} {
		for i, n := range part.Counts {
			at := part.Offset - both.Offset + i
			both.Counts[at] = plus(both.Counts[at], n)
		}
	}
	return both
}
