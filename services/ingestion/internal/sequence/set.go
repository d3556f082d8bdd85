package sequence

import (
	"container/list"
	"sync"
	"time"
)

// Set follows many streams. It holds a bounded number of them; the one that was silent for longest goes first, and its
// open holes count as lost. K names a stream: two tenants that call a stream the same must differ in K. O is whom the
// stream came from last, so that what only time shows is told of someone.
//
// A Set is safe for many goroutines.
type Set[K comparable, O any] struct {
	limits  Limits
	streams int

	mu     sync.Mutex // guards all below
	first  time.Time  // of all batches
	known  map[K]*list.Element
	recent *list.List // of *stream[K, O], the latest first
	totals Totals
}

type stream[K comparable, O any] struct {
	key     K
	owner   O
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
type Late[K comparable, O any] struct {
	Key   K
	Owner O
	Findings
}

// NewSet makes a set that follows at most as many streams, at least 1.
func NewSet[K comparable, O any](limits Limits, streams int) *Set[K, O] {
	return &Set[K, O]{limits: limits, streams: streams, known: map[K]*list.Element{}, recent: list.New()}
}

// Observe notes that a batch with count numbers from first on came from owner in the stream of key.
func (s *Set[K, O]) Observe(now time.Time, key K, owner O, first, count uint64) Findings {
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
		e = s.recent.PushFront(&stream[K, O]{key: key, tracker: Tracker{limits: s.fresh(now)}})
		s.known[key] = e
	}
	st := e.Value.(*stream[K, O])
	st.owner = owner
	f := st.tracker.Observe(now, first, count)
	s.totals.Add(f)
	return f
}

// fresh are the limits of a stream that was not known. It may be older than it seems: a set that has just begun, or has
// forgotten streams, claims nothing of what came before. mu is held.
func (s *Set[K, O]) fresh(now time.Time) Limits {
	if s.first.IsZero() {
		s.first = now
	}
	l := s.limits
	if s.totals.Forgotten > 0 || now.Sub(s.first) < l.Wait {
		l.Young = 0
	}
	return l
}

// Expire finds what is lost because time went by. To be called every few seconds.
func (s *Set[K, O]) Expire(now time.Time) []Late[K, O] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var late []Late[K, O]
	for e := s.recent.Front(); e != nil; e = e.Next() {
		st := e.Value.(*stream[K, O])
		if f := st.tracker.Expire(now); f.Gap > 0 {
			late = append(late, Late[K, O]{st.key, st.owner, f})
			s.totals.Add(f)
		}
	}
	return late
}

// Owner gives whom a stream came from last; false if it is not followed.
func (s *Set[K, O]) Owner(key K) (owner O, followed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.known[key]
	if !ok {
		return owner, false
	}
	return e.Value.(*stream[K, O]).owner, true
}

// Forget ends a stream: what comes under its key is a new one. Its open holes count as lost.
func (s *Set[K, O]) Forget(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.known[key]; ok {
		s.forget(e)
	}
}

func (s *Set[K, O]) forget(e *list.Element) {
	st := s.recent.Remove(e).(*stream[K, O])
	delete(s.known, st.key)
	s.totals.Add(Findings{Gap: st.tracker.giveUp()})
}

// Totals gives the sums of all streams.
func (s *Set[K, O]) Totals() Totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.totals
	t.Streams = len(s.known)
	return t
}
