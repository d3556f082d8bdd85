package breaker

import (
	"errors"
	"sync"
	"time"
)

// ErrOpen says that the call is not to be made now; Ready tells when to ask again.
var ErrOpen = errors.New("breaker is open")

// State is where a breaker stands.
type State uint8

const (
	// Closed lets calls through.
	Closed State = iota
	// Open lets none through.
	Open
	// HalfOpen lets one through at a time, to see how it goes.
	HalfOpen
)

// String is the word for s.
func (s State) String() string { return [...]string{"closed", "open", "half open"}[s] }

// Outcome is how a call went.
type Outcome uint8

const (
	// Ignored says nothing about what was called, such as a call that the caller gave up.
	Ignored Outcome = iota
	// Success is an answer, a refusal for the caller's own fault included.
	Success
	// Failure is no answer, or one that says that the other side is ill.
	Failure
)

// Settings tell when a breaker opens and closes. A zero takes the default; the zero Settings are usable.
type Settings struct {
	// Failures in a row open it; 5 by default.
	Failures int
	// Ratio of failures among the calls of the last Window, above 0 to 1, opens it as well if there were Least calls;
	// 0 is never. Window is 10 s and Least 20 by default.
	Ratio  float64
	Window time.Duration
	Least  int
	// Successes of probes in a row close it; 1 by default.
	Successes int
	// Wait tells how long it stays open for the nth time in a row, from 1; growth and jitter are the caller's. It is
	// called under the breaker's lock and must not block. 10 s each time by default.
	Wait func(n int) time.Duration
}

func (s Settings) withDefaults() Settings {
	if s.Failures <= 0 {
		s.Failures = 5
	}
	if s.Window <= 0 {
		s.Window = 10 * time.Second
	}
	if s.Least <= 0 {
		s.Least = 20
	}
	if s.Successes <= 0 {
		s.Successes = 1
	}
	if s.Wait == nil {
		s.Wait = func(int) time.Duration { return 10 * time.Second }
	}
	return s
}

// Breaker guards one thing that is called. Its methods may be called by many goroutines.
type Breaker struct {
	set Settings

	mu      sync.Mutex // guards what follows; never held during a call
	state   State
	term    uint64 // rises with every change of state and every probe: permits of an older one are void
	row     int    // failures in a row, while closed
	good    int    // successes in a row, while half open
	probing bool   // a permit is out, while half open
	opened  int    // openings in a row without a closing between them
	until   time.Time
	recent  window
}

// New makes a closed breaker.
func New(s Settings) *Breaker { return &Breaker{set: s.withDefaults()} }

// Permit is leave to make one call. The zero Permit is of no breaker.
type Permit struct {
	of   *Breaker
	term uint64
}

// Allow gives a permit, whose Done must be called once when the call has ended, or ErrOpen. It does not block.
func (b *Breaker) Allow(now time.Time) (Permit, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == Open && !now.Before(b.until) {
		b.move(HalfOpen)
	}
	if b.state == Open || b.state == HalfOpen && b.probing {
		return Permit{}, ErrOpen
	}
	b.probing = b.state == HalfOpen
	return Permit{b, b.term}, nil
}

// Done tells how the call went.
func (p Permit) Done(now time.Time, o Outcome) {
	if p.of == nil {
		return
	}
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	if p.term != p.of.term {
		return
	}
	if p.of.state == HalfOpen {
		p.of.probed(now, o)
	} else {
		p.of.called(now, o)
	}
}

// called counts while closed.
func (b *Breaker) called(now time.Time, o Outcome) {
	switch o {
	case Success:
		b.row, b.opened = 0, 0
	case Failure:
		b.row++
	default:
		return
	}
	good, bad := b.recent.add(now, b.set.Window, o == Failure)
	often := b.set.Ratio > 0 && good+bad >= b.set.Least && float64(bad) >= b.set.Ratio*float64(good+bad)
	if o == Failure && (often || b.row >= b.set.Failures) {
		b.open(now)
	}
}

// probed ends a probe. Its permit is void from then on.
func (b *Breaker) probed(now time.Time, o Outcome) {
	b.probing = false
	b.term++
	switch o {
	case Success:
		if b.good++; b.good >= b.set.Successes {
			b.move(Closed)
		}
	case Failure:
		b.open(now)
	}
}

func (b *Breaker) open(now time.Time) {
	b.move(Open)
	b.opened++
	b.until = now.Add(b.set.Wait(b.opened))
}

func (b *Breaker) move(to State) {
	b.state = to
	b.term++
	b.row, b.good, b.probing = 0, 0, false
	b.recent = window{}
}

// State tells where b stands. An open one whose time is over is half open: the next call is a probe.
func (b *Breaker) State(now time.Time) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == Open && !now.Before(b.until) {
		return HalfOpen
	}
	return b.state
}

// Ready tells whether Allow would give a permit. If not, at is when to ask again; it is zero while a probe is under
// way, whose end nobody knows.
func (b *Breaker) Ready(now time.Time) (ok bool, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == Open && now.Before(b.until):
		return false, b.until
	case b.state == HalfOpen && b.probing:
		return false, time.Time{}
	}
	return true, now
}
