package histogram

// Distribution is what is known of a number of observations. The zero value is that of none. At most one of Explicit and
// Exponential has buckets.
type Distribution struct {
	Count       uint64
	Sum         float64 // may be NaN or infinite, as it came
	HasSum      bool
	Explicit    Explicit
	Exponential Exponential
}

// Usable gives d with at most MaxBuckets on each side, and without buckets that contradict themselves or the count.
func (d Distribution) Usable() Distribution {
	if !d.Explicit.valid() {
		d.Explicit = Explicit{}
	}
	d.Explicit, d.Exponential = d.Explicit.limit(), d.Exponential.limit()
	return d.settle()
}

// settle drops buckets that do not add up to the count.
func (d Distribution) settle() Distribution {
	if total(d.Explicit.Counts) != d.Count {
		d.Explicit = Explicit{}
	}
	if d.Exponential.total() != d.Count {
		d.Exponential = Exponential{}
	}
	return d
}

// Since gives what d has more than before; false if d is no continuation of it. The sum of what was added is known if
// both sums are finite.
func (d Distribution) Since(before Distribution) (grown Distribution, ok bool) {
	if d.Count < before.Count {
		return Distribution{}, false
	}
	grown.Count = d.Count - before.Count
	explicit, whole := d.Explicit.since(before.Explicit)
	exponential, wholly := d.Exponential.since(before.Exponential)
	if !whole || !wholly {
		return Distribution{}, false
	}
	grown.Explicit, grown.Exponential = explicit, exponential
	grown = grown.settle()
	if !d.HasSum || !before.HasSum {
		return grown, true
	}
	if d.Sum < before.Sum && !explicit.negative() && !exponential.negative() {
		return Distribution{}, false
	}
	if grown.Sum = d.Sum - before.Sum; finite(grown.Sum) {
		grown.HasSum = true
	} else {
		grown.Sum = 0
	}
	return grown, true
}

// Plus gives the observations of both.
func (d Distribution) Plus(more Distribution) Distribution {
	switch {
	case more.Count == 0:
		return d
	case d.Count == 0:
		return more
	}
	both := Distribution{Count: plus(d.Count, more.Count), Sum: d.Sum + more.Sum, HasSum: d.HasSum && more.HasSum}
	both.Explicit = d.Explicit.plus(more.Explicit)
	both.Exponential = d.Exponential.plus(more.Exponential)
	return both.settle()
}

// Quantile gives the q-quantile, q in (0, 1), as if observations lay evenly in their bucket, on the scale that the
// buckets have; false without buckets or observations. It is finite.
func (d Distribution) Quantile(q float64) (float64, bool) {
	if !d.Explicit.empty() {
		return d.Explicit.quantile(q)
	}
	return d.Exponential.quantile(q)
}
