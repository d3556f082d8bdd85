package shop

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// spread is the shape (σ of the logarithm) of every latency: a p99 of 2.3 medians, as calm services have.
const spread = 0.35

// dice is one service's source of chance. Many goroutines may use it.
type dice struct {
	mu  sync.Mutex // guards rng
	rng *rand.Rand
}

// newDice derives a stream of its own for each name, so that adding a service leaves the others' draws alone.
func newDice(seed uint64, name string) *dice {
	h := fnv.New64a()
	h.Write([]byte(name)) // a hash never fails
	return &dice{rng: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// latency draws from a log-normal distribution with the given median, cut at eight medians: a draw beyond that, one in
// 700 million, would look like a fault.
func (d *dice) latency(median time.Duration) time.Duration {
	d.mu.Lock()
	z := d.rng.NormFloat64()
	d.mu.Unlock()
	return min(time.Duration(float64(median)*math.Exp(spread*z)), 8*median)
}

// gap draws the time to the next of events that happen independently, rate times per second.
func (d *dice) gap(rate float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(d.rng.ExpFloat64() / rate * float64(time.Second))
}

// chance is true in the given share of calls.
func (d *dice) chance(share float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64() < share
}

// below draws from 0 to n-1.
func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}
