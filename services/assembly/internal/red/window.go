package red

// Figures are counts of one key in some stretch of time.
type Figures struct {
	// Requests and how many of them failed.
	Requests, Errors uint64
	// Duration of the requests.
	Duration Sketch
	// Asynchronous counts the requests that nobody waited for.
	Asynchronous uint64
	// Done counts the requests whose own work is known, and of them those that failed by themselves and those that
	// started a trace.
	Done, OwnErrors, Roots uint64
	// Self is the own time of these.
	Self Sketch
}

func (f *Figures) merge(g *Figures) {
	f.Requests += g.Requests
	f.Errors += g.Errors
	f.Asynchronous += g.Asynchronous
	f.Done += g.Done
	f.OwnErrors += g.OwnErrors
	f.Roots += g.Roots
	f.Duration.Merge(&g.Duration)
	f.Self.Merge(&g.Self)
}

func (f *Figures) reset() {
	f.Duration.reset()
	f.Self.reset()
	*f = Figures{Duration: f.Duration, Self: f.Self}
}

// slot is the figures of one step of a ring.
type slot struct {
	number int64 // time / step; slots[number % len] holds it until the ring comes round
	Figures
}

// ring holds the latest steps of one width.
type ring struct {
	slots []*slot // nil until its step has a request
}

// at gives the slot of a step, emptied if it held an older one; nil if it holds a newer one.
func (r *ring) at(number int64, steps int) *slot {
	if r.slots == nil {
		r.slots = make([]*slot, steps)
	}
	i := number % int64(steps)
	s := r.slots[i]
	switch {
	case s == nil:
		s = &slot{number: number}
		r.slots[i] = s
	case s.number > number:
		return nil
	case s.number < number:
		s.reset()
		s.number = number
	}
	return s
}

// sum adds up the steps from to until, both included.
func (r *ring) sum(into *Figures, from, until int64) {
	for _, s := range r.slots {
		if s != nil && s.number >= from && s.number <= until {
			into.merge(&s.Figures)
		}
	}
}

// window is how the past of one key is kept: fine steps for the latest minutes, coarse ones for an hour. What a key
// holds is bounded by its steps.
type window struct {
	fine, coarse ring
	last         uint64 // latest end of a span, Unix ns
}
