package breaker

import "time"

// slots parts a window; the oldest part is forgotten as a whole.
const slots = 10

// window counts the calls of the last while. The zero value is empty.
type window struct {
	slot [slots]struct {
		at        int64 // number of the slot since 1970
		good, bad int
	}
}

// add counts one call, and gives the calls of the last span, itself included. Calls from the future, which a clock that
// was set back leaves behind, do not count.
func (w *window) add(now time.Time, span time.Duration, bad bool) (int, int) {
	at := now.UnixNano() / max(int64(span)/slots, 1)
	s := &w.slot[uint64(at)%slots]
	if s.at != at {
		s.at, s.good, s.bad = at, 0, 0
	}
	if bad {
		s.bad++
	} else {
		s.good++
	}
	sumGood, sumBad := 0, 0
	for _, s := range w.slot {
		if s.at <= at && s.at > at-slots {
			sumGood, sumBad = sumGood+s.good, sumBad+s.bad
		}
	}
	return sumGood, sumBad
}
