package assembly

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/triflow/triflow/pkg/id"
)

// Reasons for which spans are dropped.
const (
	reasonSampledOut     = "sampled_out"
	reasonLateSampledOut = "late_sampled_out"
	reasonMalformed      = "malformed"
	reasonTooLarge       = "trace_too_large"
)

// accounts say for every span of every batch what became of it, exactly and over crashes.
//
// A batch that was taken in is done when each of its groups (its spans of one trace) is accounted for. It waits in its
// sender's queue until those before it are done too. A round of decisions is committed together with the accounts: the
// totals, how far each sender's queue is done, and a marker for every group beyond that is accounted for. After a crash
// the senders push again what was not done, and the groups with a marker are passed over. A batch that cannot be read
// counts as one group, of no trace.
//
// Invariant, at every moment: received = kept + dropped + duplicates + pending, where received is what the batches
// held when they came in, pending what the batches in the queues still wait for, and the rest what was committed.
type accounts struct {
	mu       sync.Mutex // guards all below, the queues and the counts of batches
	senders  map[string]*sender
	totals   Totals
	received uint64
	lost     []*batch  // batches that could not be read
	finished []*batch  // batches that are done with the next commit
	moved    []*sender // their senders
}

// sender is the account of one sender.
type sender struct {
	name     string
	position uint64 // up to which every batch is accounted for
	spans    uint64 // in these batches
	queue    []*batch
	// recovered has what was accounted for, before a crash, of batches beyond position, and is only read from once the
	// batch has come again.
	recovered map[uint64]*recovered
	moved     bool
}

// recovered is what markers say of one batch.
type recovered struct {
	groups map[id.Trace]uint64
	spans  uint64
}

// batch is one push that is not done.
type batch struct {
	source
	sender   *sender
	position uint64
	bytes    int64 // admitted for it

	spans   uint64 // in it, accounted for or not
	pending uint64 // not accounted for
	groups  int    // not accounted for, and one more while it is being taken in
	// done is to be called when it is done; then it is released, and has no payload any more.
	done     []func()
	released bool
}

func newAccounts(rec Recovered) *accounts {
	a := &accounts{senders: make(map[string]*sender), totals: rec.Totals}
	for _, s := range rec.Senders {
		at := a.sender(s.Sender)
		at.position, at.spans = s.Position, s.Spans
		a.received += s.Spans
	}
	for _, m := range rec.Markers {
		s := a.sender(m.Sender)
		r := s.recovered[m.Position]
		if r == nil {
			r = &recovered{groups: make(map[id.Trace]uint64)}
			s.recovered[m.Position] = r
		}
		r.groups[m.Trace] = m.Spans
		r.spans += m.Spans
		a.received += m.Spans
	}
	return a
}

// sender gives the account of a name, made if need be.
func (a *accounts) sender(name string) *sender {
	s := a.senders[name]
	if s == nil {
		s = &sender{name: name, recovered: make(map[uint64]*recovered)}
		a.senders[name] = s
	}
	return s
}

// begin takes a batch of so many groups and spans into its sender's queue, and gives what was accounted for of it
// before. taken is false if the batch is done, when done is due at once, or in hand, when done will be called with that
// one's.
func (a *accounts) begin(name string, b *batch, done func()) (r *recovered, taken, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sender(name)
	if b.position <= s.position {
		return nil, false, true
	}
	at, found := slices.BinarySearchFunc(s.queue, b.position, func(q *batch, p uint64) int { return cmp.Compare(q.position, p) })
	if found {
		q := s.queue[at]
		if !q.released {
			q.done = append(q.done, done)
		}
		return nil, false, q.released
	}
	s.queue = slices.Insert(s.queue, at, b)
	b.sender, b.done, b.pending = s, append(b.done, done), b.spans
	b.groups++
	a.received += b.spans
	if r = s.recovered[b.position]; r != nil {
		delete(s.recovered, b.position)
		a.received -= r.spans
		b.pending -= r.spans
		b.groups -= len(r.groups)
	}
	return r, true, false
}

// end notes that all of a batch has been taken in.
func (a *accounts) end(b *batch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle(b, 1, 0)
}

// lose notes that a batch could not be read. It takes the place of end.
func (a *accounts) lose(b *batch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lost = append(a.lost, b)
}

// settle accounts for groups of a batch. It is called under mu.
func (a *accounts) settle(b *batch, groups int, spans uint64) {
	b.groups -= groups
	b.pending -= spans
	if b.groups > 0 {
		return
	}
	a.finished = append(a.finished, b)
	if !b.sender.moved {
		b.sender.moved = true
		a.moved = append(a.moved, b.sender)
	}
}

// outcome is what a round of decisions makes of one fragment of a trace.
type outcome struct {
	parts []part
	// kept spans, or dropped ones with their reason, and duplicates add up to the spans of the parts.
	kept, dropped, duplicates uint64
	reason                    string
	// newKept and newDropped tell that the trace had not been kept or dropped before.
	newKept, newDropped bool
}

// settleRound accounts for a round, fills the accounts into c, and gives the batches that are done once c is committed,
// each with what is to be called then.
func (a *accounts) settleRound(c *Commit, trace []id.Trace, round []outcome) []*batch {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range round {
		a.count(&round[i])
		for _, p := range round[i].parts {
			a.mark(c, p.batch, trace[i], p.spans)
			a.settle(p.batch, 1, p.spans)
		}
	}
	for _, b := range a.lost {
		if b.pending > 0 { // else it has its marker from before a crash
			a.totals.Dropped[reasonMalformed] += b.pending
			a.mark(c, b, id.Trace{}, b.pending)
		}
		a.settle(b, b.groups, b.pending)
	}
	a.lost = nil
	for _, s := range a.moved {
		s.moved = false
		if s.advance() {
			c.Senders = append(c.Senders, Account{Sender: s.name, Position: s.position, Spans: s.spans})
		}
	}
	a.moved = a.moved[:0]
	c.Markers = slices.DeleteFunc(c.Markers, func(m Marker) bool { return m.Position <= a.senders[m.Sender].position })
	c.Totals = a.totals
	c.Totals.Dropped = maps.Clone(a.totals.Dropped)
	done := a.finished
	a.finished = nil
	return done
}

// mark notes that a group of a batch is accounted for.
func (a *accounts) mark(c *Commit, b *batch, t id.Trace, spans uint64) {
	c.Markers = append(c.Markers, Marker{Sender: b.sender.name, Position: b.position, Trace: t, Spans: spans})
}

func (a *accounts) count(o *outcome) {
	t := &a.totals
	t.Kept += o.kept
	t.Duplicates += o.duplicates
	if o.dropped > 0 {
		t.Dropped[o.reason] += o.dropped
	}
	t.TracesKept += uint64(flag(o.newKept))
	t.TracesDropped += uint64(flag(o.newDropped))
}

// advance takes the done batches off the front of the queue, and tells whether there were any.
func (s *sender) advance() bool {
	n := 0
	for n < len(s.queue) && s.queue[n].groups == 0 {
		s.position = s.queue[n].position
		s.spans += s.queue[n].spans
		n++
	}
	s.queue = slices.Delete(s.queue, 0, n)
	// The sender has gone past these without pushing them again: it knew that they were done.
	for position, r := range s.recovered {
		if position <= s.position {
			s.spans += r.spans
			delete(s.recovered, position)
		}
	}
	return n > 0
}

// release lets go of a batch that is done, and gives what is to be called.
func (a *accounts) release(b *batch) []func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	done := b.done
	b.done, b.source, b.released = nil, source{}, true
	return done
}

// idle tells that there is nothing to commit.
func (a *accounts) idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.finished) == 0 && len(a.lost) == 0
}

// balance is a consistent reading of the accounts.
type balance struct {
	Totals
	received, pending uint64
}

func (a *accounts) balance() balance {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := balance{Totals: a.totals, received: a.received}
	b.Dropped = maps.Clone(a.totals.Dropped)
	for _, s := range a.senders {
		for _, q := range s.queue {
			b.pending += q.pending
		}
	}
	return b
}
