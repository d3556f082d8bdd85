package ingestion

import (
	"context"
	"sync"
	"time"
)

// windowBytes is what a gRPC call may have sent before it is read, the least that HTTP/2 grants (RFC 9113 §6.9.2).
const windowBytes = 1<<16 - 1

// patience is how long a call may keep its seat while others wait for one.
const patience = 5 * time.Second

// seats bound what gRPC reads. It reads messages by itself and tells the size afterwards, while what is read from HTTP,
// and unpacked from either, is counted by the gate as it comes; so only as many calls read at a time as there are seats,
// each good for a message of the largest size, and what the seats may hold is kept apart from what the gate gives:
//
//	seats · largest message + bytes of the gate ≤ in-flight-bytes
//
// A seat goes to the tenant that has the fewest, and the last one only to a tenant that has none; who stops sending loses
// it when others have waited for long. So neither many calls nor stalled ones of a tenant keep the others out.
type seats struct {
	largest int64
	all     int

	mu      sync.Mutex // guards what follows, and the sitters
	free    int
	waiting int
	tickets uint64
	tenants map[string]*bench
	sitting []*sitter
}

// bench is what one tenant has.
type bench struct {
	seats   int
	waiting []*sitter // the first came first
}

// sitter is a call that reads or waits to.
type sitter struct {
	bench   *bench
	ticket  uint64
	ready   chan struct{} // closed when it has a seat, if it had to wait
	since   time.Time     // when it got the seat
	stop    func()        // ends the call
	evicted bool
}

// newSeats gives up to half of total to the seats, and says what is left for the gate; total is at least twice largest.
func newSeats(total, largest int64) (_ *seats, left int64) {
	n := total / 2 / largest
	return &seats{largest: largest, all: int(n), free: int(n), tenants: map[string]*bench{}}, total - n*largest
}

// read waits for a seat and calls f in it, which gives the size of what it read; that is then counted for in. A call
// that waits is counted with its window, so that the windows are bounded as well.
func (s *seats) read(ctx context.Context, in *intake, f func() (int, *refusal)) *refusal {
	if no := in.take(windowBytes); no != nil {
		return no
	}
	in.seat.stop = stopOf(ctx)
	waiting, cancel := context.WithTimeout(ctx, callLimit)
	err := s.sit(waiting, in)
	cancel()
	if err != nil {
		return refuse(overload, "request waited too long to be read: %v", err)
	}
	in.give(windowBytes)
	if in.seat.stop != nil {
		defer time.AfterFunc(callLimit, in.seat.stop).Stop()
	}
	n, no := f()
	if s.rise(&in.seat, in.s.deps.Now()) { // the call has ended, even if all of it came at the last moment
		return refuse(overload, "request stopped coming for %v while others waited to be read", patience)
	}
	if no != nil {
		return no
	}
	return in.take(int64(n))
}

// sit waits for a seat until ctx ends.
func (s *seats) sit(ctx context.Context, in *intake) error {
	me := &in.seat
	s.mu.Lock()
	me.bench = s.benchOf(in.admit.Tenant())
	if s.waiting == 0 && s.allowed(me.bench) {
		s.seat(me, in.s.deps.Now())
		s.mu.Unlock()
		return nil
	}
	s.tickets++
	me.ticket, me.ready = s.tickets, make(chan struct{})
	me.bench.waiting = append(me.bench.waiting, me)
	s.waiting++
	s.grant(in.s.deps.Now())
	s.mu.Unlock()
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for {
		select {
		case <-me.ready:
			return nil
		case <-tick.C:
			s.evict(in.s.deps.Now())
		case <-ctx.Done():
			if s.leave(me) {
				return ctx.Err()
			}
			return nil // it got the seat meanwhile
		}
	}
}

// benchOf finds the tenant's; mu is held.
func (s *seats) benchOf(tenant string) *bench {
	b := s.tenants[tenant]
	if b == nil {
		if len(s.tenants) > 4*s.all { // most of them have nothing any more
			for name, b := range s.tenants {
				if b.seats == 0 && len(b.waiting) == 0 {
					delete(s.tenants, name)
				}
			}
		}
		b = &bench{}
		s.tenants[tenant] = b
	}
	return b
}

// allowed tells whether a tenant may have one more seat; mu is held.
func (s *seats) allowed(b *bench) bool {
	return s.free > 1 || s.free == 1 && (b.seats == 0 || s.all == 1)
}

// seat gives a seat away; mu is held.
func (s *seats) seat(who *sitter, now time.Time) {
	s.free--
	who.bench.seats++
	who.since = now
	s.sitting = append(s.sitting, who)
}

// grant gives the free seats to those who wait; mu is held.
func (s *seats) grant(now time.Time) {
	for s.waiting > 0 {
		var next *bench
		for _, b := range s.tenants {
			if len(b.waiting) > 0 && (next == nil || before(b, next)) {
				next = b
			}
		}
		if !s.allowed(next) {
			return
		}
		who := next.waiting[0]
		next.waiting = next.waiting[1:]
		s.waiting--
		s.seat(who, now)
		close(who.ready)
	}
}

// before tells whether a tenant gets the next seat before another.
func before(a, b *bench) bool {
	if a.seats != b.seats {
		return a.seats < b.seats
	}
	return a.waiting[0].ticket < b.waiting[0].ticket
}

// rise gives the seat back, and tells whether its call was ended for the others.
func (s *seats) rise(who *sitter, now time.Time) (evicted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.sitting {
		if other == who {
			last := len(s.sitting) - 1
			s.sitting[i], s.sitting[last] = s.sitting[last], nil
			s.sitting = s.sitting[:last]
			break
		}
	}
	s.free++
	who.bench.seats--
	s.grant(now)
	return who.evicted
}

// leave ends waiting; it is false when the seat was given.
func (s *seats) leave(who *sitter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range who.bench.waiting {
		if other == who {
			who.bench.waiting = append(who.bench.waiting[:i:i], who.bench.waiting[i+1:]...)
			s.waiting--
			return true
		}
	}
	return false
}

// evict ends the calls that have kept a seat for longer than patience.
func (s *seats) evict(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, who := range s.sitting {
		if !who.evicted && now.Sub(who.since) >= patience && who.stop != nil {
			who.evicted = true
			who.stop()
		}
	}
}

// bytes is how much the seats in use may hold.
func (s *seats) bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.all-s.free) * s.largest
}
