package detect

import (
	"math"
	"slices"
)

// baseline holds the last good points of a series: their values in order of size for the median and the median
// absolute deviation, their counts for the counting distance, and a weighted mean that follows them.
type baseline struct {
	window int
	fifo   []sample
	sorted []float64
	events float64 // over fifo
	trials float64
	ewma   ewma
}

// sample is a point as the baseline keeps it: its value in the domain, and its counts.
type sample struct {
	y      float64
	events float64
	trials float64 // observations of a ratio, seconds of a rate; 0 where not known
}

func (b *baseline) size() int { return len(b.fifo) }

// add takes s in and lets the oldest go when the window is full.
func (b *baseline) add(s sample, alpha float64) {
	if len(b.fifo) == b.window {
		old := b.fifo[0]
		b.fifo = append(b.fifo[:0], b.fifo[1:]...)
		at, _ := slices.BinarySearch(b.sorted, old.y)
		b.sorted = slices.Delete(b.sorted, at, at+1)
		b.events -= old.events
		b.trials -= old.trials
	}
	b.fifo = append(b.fifo, s)
	at, _ := slices.BinarySearch(b.sorted, s.y)
	b.sorted = slices.Insert(b.sorted, at, s.y)
	b.events += s.events
	b.trials += s.trials
	b.ewma.add(b.clip(s.y), alpha)
}

// clip pulls y to within five robust deviations of the median, so that one good point that is odd, like the first of a
// rate, which covers part of its interval only, does not widen the weighted deviation for long.
func (b *baseline) clip(y float64) float64 {
	if len(b.sorted) < 5 {
		return y
	}
	m, mad := b.median(), b.deviation()
	if mad == 0 {
		return y
	}
	return math.Max(m-5*mad, math.Min(m+5*mad, y))
}

// median gives the middle value; NaN without points.
func (b *baseline) median() float64 { return middle(b.sorted) }

// deviation gives 1.4826 times the median distance from the median, which estimates the standard deviation of normal
// noise. The distances are two runs that rise away from the median, so the middle one is found by merging, without
// sorting.
func (b *baseline) deviation() float64 {
	n := len(b.sorted)
	if n == 0 {
		return math.NaN()
	}
	m := b.median()
	right, _ := slices.BinarySearch(b.sorted, m)
	left := right - 1
	var last, previous float64
	for range n/2 + 1 {
		previous = last
		if right == n || left >= 0 && m-b.sorted[left] <= b.sorted[right]-m {
			last = m - b.sorted[left]
			left--
		} else {
			last = b.sorted[right] - m
			right++
		}
	}
	if n%2 == 0 {
		last = (last + previous) / 2
	}
	return 1.4826 * last
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// ewma is an exponentially weighted mean and variance. The zero value is empty.
type ewma struct {
	points   int
	mean     float64
	variance float64
}

// add gives y the weight max(alpha, 1/k) as the k-th point: the plain mean and variance at first, then exponential.
func (e *ewma) add(y, alpha float64) {
	e.points++
	w := math.Max(alpha, 1/float64(e.points))
	d := y - e.mean
	e.mean += w * d
	e.variance = (1 - w) * (e.variance + w*d*d)
}

// deviation is the square root of the variance, made unbiased for few points.
func (e *ewma) deviation(alpha float64) float64 {
	n := math.Min(float64(e.points), 2/alpha-1) // of as many equal weights
	if n <= 1 {
		return 0
	}
	return math.Sqrt(e.variance * n / (n - 1))
}
