package main

import (
	"math"
	"slices"
	"time"
)

// spread is what is told of a set of durations.
type spread struct {
	p50, p99, max time.Duration
}

// spreadOf sorts took. Nothing measured gives zeros.
func spreadOf(took []time.Duration) spread {
	slices.Sort(took)
	return spread{quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1)}
}

// quantile gives the smallest of the sorted durations that at least the share q of them does not exceed (nearest
// rank), so that it is always one that was measured.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
