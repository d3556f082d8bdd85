// Package bucket is a token bucket that keeps fractions of tokens.
//
// A bucket fills with rate tokens a second up to burst; a take that finds its tokens has them, another one takes nothing
// and hears how long it would have to wait. A take of more than burst is let through when the bucket is full, and leaves
// it in debt: the level goes below zero and has to be filled up from there, so that the rate holds all the same.
//
// Promise, for any interval of length t, in which the largest take is of n tokens:
//
//	granted ≤ max(burst, n) + rate·t
//
// up to rounding: one part in 2^48 of what is to be filled. It is never granted twice, since it is owed afterwards.
//
// The package reads no clock. Time that goes back fills nothing until it is again where it was; so the times should have
// a monotonic reading, as those of time.Now do.
package bucket

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// slack is the share of what is to be filled that a take may lack, so that who waits as long as told is let through in
// spite of rounding: level and wait are each off by a few parts in 2^53.
const slack = 1.0 / (1 << 48)

// Bucket is a token bucket; many goroutines may use it. A nil Bucket has no limit and grants everything; the zero value
// grants nothing.
type Bucket struct {
	rate, burst float64

	mu     sync.Mutex // guards tokens and at
	tokens float64    // level at the time of the last grant; invariant: tokens ≤ burst
	at     time.Time  // invariant: never goes back
}

// New gives a full bucket. Rate is in tokens per second. It panics if rate or burst is not above zero and finite, as
// time.NewTicker does.
func New(rate, burst float64) *Bucket {
	if !(rate > 0 && burst > 0) || math.IsInf(rate, 0) || math.IsInf(burst, 0) {
		panic(fmt.Sprintf("bucket: rate %v and burst %v, want both above 0 and finite", rate, burst))
	}
	return &Bucket{rate: rate, burst: burst, tokens: burst}
}

// Take takes n tokens and is ok, or takes nothing and tells after which time n would be there, if nobody else took any;
// that is 292 years at most. No tokens, n ≤ 0, are always there.
func (b *Bucket) Take(now time.Time, n int) (wait time.Duration, ok bool) {
	if b == nil || n <= 0 {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	level, need := b.level(now), min(float64(n), b.burst)
	if lack := need - level; lack > slack*(need-b.tokens) || b.rate == 0 {
		return b.until(now, lack), false
	}
	b.tokens = level - float64(n)
	if now.After(b.at) {
		b.at = now
	}
	return 0, true
}

// Return gives back n tokens that were taken; the bucket does not hold more than burst.
func (b *Bucket) Return(n int) {
	if b == nil || n <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.burst, b.tokens+float64(n))
}

// Full says whether nothing would be different had nobody ever taken anything.
func (b *Bucket) Full(now time.Time) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.level(now) >= b.burst
}

// level is what is there at now. A refused take leaves tokens and at as they are, so that no fraction is ever lost by
// asking often.
func (b *Bucket) level(now time.Time) float64 {
	passed := max(0, now.Sub(b.at)) // Sub stops at 292 years
	return min(b.burst, b.tokens+b.rate*passed.Seconds())
}

// until is how long it takes from now to fill in lack tokens, rounded up.
func (b *Bucket) until(now time.Time, lack float64) time.Duration {
	ns := math.Ceil(lack / b.rate * float64(time.Second))
	ns += float64(max(0, b.at.Sub(now)))
	if !(ns < math.MaxInt64) { // also not NaN
		return math.MaxInt64
	}
	return time.Duration(ns)
}
