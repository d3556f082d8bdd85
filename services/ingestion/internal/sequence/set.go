package sequence

import (
	"container/list"
	"sync"
	"time"
)

// Set follows many streams. It holds a bounded number of them; the one that was silent for longest goes first, and its
// open holes count as lost. K names a stream together with whom it belongs to, so that what is found is told of someone:
// two tenants that call a stream the same must differ in K.
//
// A Set is safe for many goroutines.
type Set[K comparable] struct {
	limits  Limits
	streams int

	mu     sync.Mutex // guards all below
	known  map[K]*list.Element
	recent *list.List // of *stream[K], the latest first
	totals Totals
}

type stream[K comparable] struct {
	key     K
	tracker Tracker
}

// Totals are the findings of all streams since start.
type Totals struct {
	Findings
	// Streams that are followed, and that were forgotten because there were too many.
	Streams   int
	Forgotten uint64
}

// Late is what time showed of a stream.
type Late[K comparable] struct {
	Key K
	Findings
}

// NewSet makes a set that follows at most as many streams, at least 1.
func NewSet[K comparable](limits Limits, streams int) *Set[K] {
	return &Set[K]{limits: limits, streams: streams, known: map[K]*list.Element{}, recent: list.New()}
}

// Observe notes that a batch with count numbers from first on came in the stream of key.
func (s *Set[K]) Observe(now time.Time, key K, first, count uint64) Findings {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.known[key]
	if ok {
		s.recent.MoveToFront(e)
	} else {
		if len(s.known) >= s.streams {
			s.totals.Forgotten++
			s.forget(s.recent.Back())
		}
		e = s.recent.PushFront(&stream[K]{key: key, tracker: Tracker{limits: s.limits}})
		s.known[key] = e
	}
	f := e.Value.(*stream[K]).tracker.Observe(now, first, count)
	s.totals.Add(f)
	return f
}

// Expire finds what is lost because time went by. To be called every few seconds.
func (s *Set[K]) Expire(now time.Time) []Late[K] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var late []Late[K]
	for e := s.recent.Front(); e != nil; e = e.Next() {
		st := e.Value.(*stream[K])
		if f := st.tracker.Expire(now); f.Gap > 0 {
			late = append(late, Late[K]{st.key, f})
			s.totals.Add(f)
		}
	}
	return late
}

// Forget ends a stream: what comes under its key is a new one. Its open holes count as lost.
func (s *Set[K]) Forget(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.known[key]; ok {
		s.forget(e)
	}
}

func (s *Set[K]) forget(e *list.Element) {
	st := s.recent.Remove(e).(*stream[K])
	delete(s.known, st.key)
	s.totals.Add(Findings{Gap: st.tracker.giveUp()})
}

// Totals gives the sums of all streams.
func (s *Set[K]) Totals() Totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.totals
	t.Streams = len(s.known)
	return t
}
