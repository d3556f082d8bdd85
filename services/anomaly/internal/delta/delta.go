// Package delta turns totals since a start into what was added between points. It is pure.
//
// The points of one metric with one start time are a sequence; a later start is a reset, after which the total counts
// from zero again:
//
//		total   10 ──── 15 ─┐           ┌─ 2 ──── 5 ──── 5
//		start   s1      s1  └─ s2 > s1 ─┘  s2     s2     s2
//		added   ?       5                  2      3      0
//
//	  - What came before the first point is not known, since it may have been long ago.
//	  - The first point of a later sequence was added as a whole since its start. So nothing is lost by a reset.
//	  - A total that fell within its sequence began again unseen: it was added as a whole since the point before it.
//	  - A first point whose start is its own time says that the start is not known (OpenTelemetry, metrics data model,
//	    "Cumulative streams: handling unknown start time"): what it brings is not counted, only what follows.
//
// Each sequence is followed by itself, the last few of them, so that the last point before a restart may come after the
// first one behind it, and two processes that report under one name do not look like a reset with every point.
//
// Invariant: what is added since the second point of a sequence (or since its start, where that is counted) adds up to
// the difference of its totals; nothing added is negative, if observations are not.
package delta

import "slices"

// Total is a value since a start.
type Total[T any] interface {
	// Since gives what the total has more than before; false if it is no continuation of it.
	Since(before T) (added T, ok bool)
}

// sequences is how many are followed at once. The one with the earliest start goes.
const sequences = 3

// Stream is the totals of one metric with one set of attributes. The zero value has seen none.
type Stream[T Total[T]] struct {
	open []sequence[T] // by start
}

// sequence is the last point with a start. Times are Unix ns.
type sequence[T any] struct {
	start int64 // 0: not known
	at    int64
	total T
}

// Step is what one point says.
type Step[T any] struct {
	Late  bool // at or before the last point of its sequence: nothing else is said
	Known bool // Added is
	Reset bool
	Added T
	From  int64 // begin of the interval in which it was added, Unix ns
}

// Next takes the total at a time, since a start, in Unix ns; a start of 0 is not known.
func (s *Stream[T]) Next(start, at int64, total T) Step[T] {
	if start > at {
		start = 0
	}
	q, reset := s.find(start)
	if q == nil {
		first := len(s.open) == 0
		s.begin(sequence[T]{start, at, total})
		if first || !reset {
			return Step[T]{}
		}
		return Step[T]{Known: start < at, Reset: true, Added: total, From: start}
	}
	if at <= q.at {
		return Step[T]{Late: true}
	}
	last := *q
	q.start, q.at, q.total = max(last.start, start), at, total
	if added, ok := total.Since(last.total); ok {
		return Step[T]{Known: true, Added: added, From: last.at}
	}
	return Step[T]{Known: true, Reset: true, Added: total, From: last.at}
}

// find gives the sequence with the start, nil for a new one; then reset tells whether it is later than all others.
// Without a start a point goes on with the latest; so does the first with one after points without, unless it has
// started since.
func (s *Stream[T]) find(start int64) (q *sequence[T], reset bool) {
	if len(s.open) == 0 {
		return nil, false
	}
	latest := &s.open[len(s.open)-1]
	if start == 0 || latest.start == 0 && start < latest.at {
		return latest, false
	}
	for i := range s.open {
		if s.open[i].start == start {
			return &s.open[i], false
		}
	}
	return nil, start > latest.start
}

func (s *Stream[T]) begin(q sequence[T]) {
	at, _ := slices.BinarySearchFunc(s.open, q.start, func(o sequence[T], start int64) int { return int(min(1, max(-1, o.start-start))) })
	s.open = slices.Insert(s.open, at, q)
	if len(s.open) > sequences {
		s.open = slices.Delete(s.open, 0, 1)
	}
}
