// Package pressure says when an export path is in trouble, so that what feeds it can give way: the adaptive sampler by
// keeping fewer traces, the degrading exporter by keeping less of each span.
//
// A Reading is what the path says about itself. A Follower reads it at most once per interval, on the goroutine of
// whoever asks, and compares it with the one before: lost spans or a queue nearly full mean to give way, a queue with room
// and no loss mean to recover, and the band between the two means to stay, so that nothing swings to and fro. It starts no
// goroutine and nobody waits in it.
package pressure

import (
	"sync"
	"sync/atomic"
	"time"
)

// The shares of the queue in use from which on a Follower gives way and up to which it recovers.
const (
	High = 0.8
	Low  = 0.5
)

// Reading is the state of an export path at one moment.
type Reading struct {
	Fill float64 // share of the queue in use, 0 to 1
	Lost uint64  // spans dropped for any reason since the start
}

// Verdict says what to do. The zero value is to do nothing.
type Verdict int

// The verdicts.
const (
	Stay Verdict = iota
	GiveWay
	Recover
)

// judge compares a reading with the number of spans that were lost before it.
func judge(lost uint64, now Reading) Verdict {
	switch {
	case now.Lost > lost, now.Fill >= High:
		return GiveWay
	case now.Fill <= Low:
		return Recover
	default:
		return Stay
	}
}

// Follower follows one export path. Create it with Follow; many goroutines may use it.
type Follower struct {
	source   func() Reading
	interval time.Duration
	now      func() time.Time
	start    time.Time
	due      atomic.Int64 // the time of the next reading, since start

	mu   sync.Mutex // guards lost, and makes steps one at a time; never waited for
	lost uint64
}

// Follow returns a follower of source, which is first read one interval from now. The source must not block and be good
// for many goroutines.
func Follow(source func() Reading, interval time.Duration, now func() time.Time) *Follower {
	f := &Follower{source: source, interval: interval, now: now, start: now(), lost: source().Lost}
	f.due.Store(int64(interval))
	return f
}

// Step calls act with the verdict if an interval has passed since it last did, and else returns at once. Calls of act
// never overlap, whichever goroutines they are on.
func (f *Follower) Step(act func(Verdict)) {
	passed := int64(f.now().Sub(f.start))
	if passed < f.due.Load() || !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	if passed < f.due.Load() {
		return // another goroutine took this step in between
	}
	f.due.Store(passed + int64(f.interval))
	reading := f.source()
	verdict := judge(f.lost, reading)
	f.lost = reading.Lost
	act(verdict)
}
