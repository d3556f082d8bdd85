package sequence

import (
	"math"
	"slices"
	"time"
)

// Limits say how a stream is judged. All are at least 1 but Young.
type Limits struct {
	// Batches that overtake one before its numbers are lost.
	Batches uint64
	// Wait is how long a number may be late before it is lost, also in a stream that fell silent.
	Wait time.Duration
	// Jump is the most numbers that a batch is believed to skip, or to cover.
	Jump uint64
	// Young is the most numbers that are held to be missing before the first batch of a stream. 0 claims nothing, and so
	// does a Set within Wait of its first batch, whose streams may be older than itself.
	Young uint64
	// Holes of a stream that are remembered.
	Holes int
}

// DefaultLimits suit the batches of an SDK, which has 512 spans in a batch and tries for a minute to send it.
func DefaultLimits() Limits {
	return Limits{Batches: 64, Wait: time.Minute, Jump: 1 << 32, Young: 512, Holes: 32}
}

// Findings are what one or more batches showed.
type Findings struct {
	// Received are numbers that came for the first time, Recovered those of them that were lost before.
	Received, Recovered uint64
	// Gap are numbers that are lost as of now.
	Gap uint64
	// Duplicate are numbers that came before, Old those of which that is not known any more.
	Duplicate, Old uint64
	// Reordered are batches that brought something new after a later batch, Strange those that were not believed.
	Reordered, Strange uint64
	// Resyncs are fresh starts at numbers far away.
	Resyncs uint64
}

// Add sums up. A sum that does not fit stays at the highest number.
func (f *Findings) Add(g Findings) {
	f.Received = add(f.Received, g.Received)
	f.Recovered = add(f.Recovered, g.Recovered)
	f.Gap = add(f.Gap, g.Gap)
	f.Duplicate = add(f.Duplicate, g.Duplicate)
	f.Old = add(f.Old, g.Old)
	f.Reordered = add(f.Reordered, g.Reordered)
	f.Strange = add(f.Strange, g.Strange)
	f.Resyncs = add(f.Resyncs, g.Resyncs)
}

// Missing are the numbers that were lost and did not come since.
func (f Findings) Missing() uint64 { return f.Gap - min(f.Gap, f.Recovered) }

// Completeness is received/(received+missing), 0 to 1; false if nothing is known.
func (f Findings) Completeness() (float64, bool) {
	all := float64(f.Received) + float64(f.Missing())
	if all == 0 {
		return 0, false
	}
	return float64(f.Received) / all, true
}

// Repeats tells that a batch brought nothing but numbers that came before.
func (f Findings) Repeats() bool { return f.Received == 0 && f.Duplicate > 0 }

func add(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// hole is numbers that were passed over, first to last.
type hole struct {
	first, last uint64
	at          int64  // when it was passed over, Unix ns
	batch       uint64 // how many batches had come before
}

// Tracker follows one stream. It must come from NewTracker.
type Tracker struct {
	limits  Limits
	started bool
	floor   uint64 // numbers at or below it are not judged
	top     uint64 // the highest number that came
	holes   []hole // above floor and below top, rising
	lost    int    // as many of the first holes are lost
	batches uint64 // believed
	next    uint64 // where a batch goes on from one that was not believed; 0 is nowhere
}

// NewTracker makes a tracker that has seen nothing.
func NewTracker(limits Limits) *Tracker { return &Tracker{limits: limits} }

// Observe notes that a batch with count numbers from first on came. The count 0 shows nothing.
func (t *Tracker) Observe(now time.Time, first, count uint64) Findings {
	last := first + count - 1
	var f Findings
	switch {
	case count == 0:
	case first == 0 || last < first || count > t.limits.Jump:
		f.Strange++
	case !t.started:
		t.begin(first)
		t.take(&f, now, first, last)
	case !t.far(first, last):
		t.take(&f, now, first, last)
	case first != t.next:
		t.next = last + 1
		f.Strange++
	default:
		f.Gap += t.giveUp()
		f.Resyncs++
		t.floor, t.top = first-1, first-1
		t.take(&f, now, first, last)
	}
	f.Gap += t.due(now)
	return f
}

// Expire finds what is lost because time went by.
func (t *Tracker) Expire(now time.Time) Findings { return Findings{Gap: t.due(now)} }

// begin places the tracker before the first batch of its stream.
func (t *Tracker) begin(first uint64) {
	t.started = true
	if first-1 > t.limits.Young {
		t.floor, t.top = first-1, first-1
	}
}

// far tells that a batch is too far away to belong to the stream.
func (t *Tracker) far(first, last uint64) bool {
	return first > t.top && first-t.top-1 > t.limits.Jump || last < t.floor && t.floor-last > t.limits.Jump
}

// take notes a batch that is believed.
func (t *Tracker) take(f *Findings, now time.Time, first, last uint64) {
	t.batches++
	t.next = 0
	if first <= t.top {
		t.takeLate(f, first, min(last, t.top))
	}
	if last > t.top {
		if first > t.top+1 {
			t.holes = append(t.holes, hole{first: t.top + 1, last: first - 1, at: now.UnixNano(), batch: t.batches - 1})
		}
		f.Received += last - max(first-1, t.top)
		t.top = last
	}
	for len(t.holes) > t.limits.Holes {
		f.Gap += t.drop()
	}
}

// takeLate notes numbers up to the top.
func (t *Tracker) takeLate(f *Findings, first, last uint64) {
	if first <= t.floor {
		f.Old += min(last, t.floor) - first + 1
		first = t.floor + 1
	}
	if first > last {
		return
	}
	filled, recovered := t.fill(first, last)
	f.Received += filled
	f.Recovered += recovered
	f.Duplicate += last - first + 1 - filled
	if filled > 0 {
		f.Reordered++
	}
}

// fill takes numbers out of the holes and counts them. What is left of a hole keeps its age.
func (t *Tracker) fill(first, last uint64) (filled, recovered uint64) {
	at, _ := slices.BinarySearchFunc(t.holes, first, func(h hole, n uint64) int {
		if h.last < n {
			return -1
		}
		return 1
	})
	for at < len(t.holes) && t.holes[at].first <= last {
		h := t.holes[at]
		from, to := max(h.first, first), min(h.last, last)
		filled += to - from + 1
		wasLost := at < t.lost
		if wasLost {
			recovered += to - from + 1
		}
		before, after := h, h
		before.last, after.first = from-1, to+1
		parts := make([]hole, 0, 2)
		if h.first < from {
			parts = append(parts, before)
		}
		if to < h.last {
			parts = append(parts, after)
		}
		t.holes = slices.Replace(t.holes, at, at+1, parts...)
		if wasLost {
			t.lost += len(parts) - 1
		}
		at += len(parts)
	}
	return filled, recovered
}

// due makes holes lost that were open for long enough, and counts their numbers.
func (t *Tracker) due(now time.Time) (gap uint64) {
	for t.lost < len(t.holes) {
		h := t.holes[t.lost]
		if t.batches-h.batch < t.limits.Batches && now.UnixNano()-h.at < int64(t.limits.Wait) {
			break
		}
		gap += h.last - h.first + 1
		t.lost++
	}
	return gap
}

// drop forgets the lowest hole and gives the numbers that are lost with it.
func (t *Tracker) drop() (gap uint64) {
	h := t.holes[0]
	if t.lost > 0 {
		t.lost--
	} else {
		gap = h.last - h.first + 1
	}
	t.floor = h.last
	t.holes = slices.Delete(t.holes, 0, 1)
	return gap
}

// giveUp forgets all holes and gives the numbers that are lost with them.
func (t *Tracker) giveUp() (gap uint64) {
	for len(t.holes) > 0 {
		gap += t.drop()
	}
	return gap
}
