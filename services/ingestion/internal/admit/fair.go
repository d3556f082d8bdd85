package admit

import (
	"math"
	"time"
)

// demand is what one tenant has or wants of something that is shared.
type demand struct {
	amount, weight float64
}

// fairLevel gives the max-min level λ, with Σ min(amount, λ·weight) = capacity; infinite if there is enough for all. Each
// round settles those that need less than an equal part of what is left, and raises λ by what they leave.
func fairLevel(capacity float64, demands []demand) float64 {
	level := 0.0
	for {
		left, weight := capacity, 0.0
		for _, d := range demands {
			if d.amount <= level*d.weight {
				left -= d.amount
			} else {
				weight += d.weight
			}
		}
		if weight == 0 {
			return math.Inf(1)
		}
		next := left / weight
		if next <= level {
			return level
		}
		level = next
	}
}

// drop is the probability of being dropped at utilisation u, from 0 at threshold t to 1 at 1.
func drop(u, t float64) float64 { return min(1, max(0, (u-t)/(1-t))) }

// flow is an amount per second over the last one to two slices.
type flow struct {
	since         time.Time // begin of the slice
	before, slice float64   // amount in the slice before and in this one
}

// sliceTime is long against a request and short against an overload.
const sliceTime = time.Second

func (f *flow) add(now time.Time, amount float64) {
	f.turn(now)
	f.slice += amount
}

func (f *flow) perSecond(now time.Time) float64 {
	f.turn(now)
	passed := max(0, now.Sub(f.since))
	return (f.before + f.slice) / (sliceTime + passed).Seconds()
}

func (f *flow) turn(now time.Time) {
	switch passed := now.Sub(f.since); {
	case passed < sliceTime:
	case passed < 2*sliceTime:
		*f = flow{since: f.since.Add(sliceTime), before: f.slice}
	default:
		*f = flow{since: now}
	}
}
