package assembly

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/triflow/triflow/pkg/id"
)

// trace is what has come of a trace since it was opened. Traces are used again.
type trace struct {
	id    id.Trace
	parts []part
	// entries without duplicates.
	entries    []entry
	duplicates uint64
	bytes      int64
	rooted     bool // a span without a parent has come
	failed     bool // a span with an error has come
	// opened and touched are when its first and latest batch came, in Unix ns.
	opened, touched int64
	// ticket is the one entry of the wheel that counts.
	ticket uint32
	// table finds entries by id when there are many: index + 1, by hash, open addressing.
	table []int32
}

// part is a batch that a trace has spans of.
type part struct {
	batch *batch
	// spans of the trace in the batch, duplicates included.
	spans uint64
}

// linear is how many entries are searched one by one; beyond, a table is kept.
const linear = 16

// add takes a span of the latest part in. It tells whether the span has an end that no copy before it had.
func (t *trace) add(e entry) bool {
	t.rooted = t.rooted || e.parent.IsZero()
	t.failed = t.failed || e.failed()
	there := t.find(&e)
	if there == nil {
		t.entries = append(t.entries, e)
		t.bytes += int64(e.raw.Len)
		if len(t.entries) > linear {
			t.index()
		}
		return true
	}
	t.duplicates++
	if !t.betters(&e, there) {
		return false
	}
	ended := there.end == 0 && e.end != 0
	t.bytes += int64(e.raw.Len) - int64(there.raw.Len)
	*there = e
	return ended
}

// find gives the entry that e is a copy of, nil without one.
func (t *trace) find(e *entry) *entry {
	if len(t.entries) <= linear {
		for i := range t.entries {
			if t.same(&t.entries[i], e) {
				return &t.entries[i]
			}
		}
		return nil
	}
	for at := hashSpan(e.id) & uint32(len(t.table)-1); t.table[at] != 0; at = (at + 1) & uint32(len(t.table)-1) {
		if there := &t.entries[t.table[at]-1]; t.same(there, e) {
			return there
		}
	}
	return nil
}

// index brings the table up to the latest entry.
func (t *trace) index() {
	from := len(t.entries) - 1
	if len(t.entries)*2 > len(t.table) {
		size := max(4*linear, 2*len(t.table))
		if cap(t.table) >= size {
			t.table = t.table[:size]
			clear(t.table)
		} else {
			t.table = make([]int32, size)
		}
		from = 0
	}
	for i := from; i < len(t.entries); i++ {
		at := hashSpan(t.entries[i].id) & uint32(len(t.table)-1)
		for t.table[at] != 0 {
			at = (at + 1) & uint32(len(t.table)-1)
		}
		t.table[at] = int32(i + 1)
	}
}

func hashSpan(s id.Span) uint32 {
	return uint32(binary.LittleEndian.Uint64(s[:]) * 0x9e3779b97f4a7c15 >> 32)
}

// hashTrace spreads traces over shards and tables.
func hashTrace(t *id.Trace) uint32 {
	return uint32((binary.LittleEndian.Uint64(t[:8]) ^ binary.LittleEndian.Uint64(t[8:])) * 0x9e3779b97f4a7c15 >> 32)
}

// shard holds the open traces of a share of the ids.
type shard struct {
	mu    sync.Mutex // guards all below
	open  map[id.Trace]*trace
	wheel wheel
	spare []*trace
}

// spares is how many closed traces a shard keeps for use again, and spareEntries how large one may be.
const (
	spares       = 512
	spareEntries = 256
)

// take inserts a batch's spans of one trace, the group, and appends the indexes of those that are
// to be counted to fresh: that were not there, or had no end.
func (s *shard) take(b *batch, in *intake, g group, now int64, w *waits, fresh []int32) []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := in.view.Spans[g.first].Trace
	t := s.open[key]
	if t == nil {
		t = s.begin(key, now, w)
	}
	n, rooted := int32(len(t.parts)), t.rooted
	t.parts = append(t.parts, part{batch: b, spans: uint64(g.spans)})
	for i := g.first; i >= 0; i = in.next[i] {
		if t.add(entryOf(&in.view.Spans[i], n)) {
			fresh = append(fresh, i)
		}
	}
	t.touched = now
	if at := w.due(t, relaxed); at < now || t.rooted && !rooted {
		s.schedule(t, at)
	}
	return fresh
}

// begin opens a trace.
func (s *shard) begin(key id.Trace, now int64, w *waits) *trace {
	t := new(trace)
	if n := len(s.spare); n > 0 {
		t, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	t.id, t.opened, t.touched = key, now, now
	s.open[key] = t
	s.schedule(t, w.due(t, relaxed))
	return t
}

// schedule makes the wheel look at t at a time, and not at the time that it was scheduled for before.
func (s *shard) schedule(t *trace, at int64) {
	t.ticket++
	s.wheel.add(at, turn{trace: t, ticket: t.ticket})
}

// close takes out the traces that are due.
func (s *shard) close(now int64, w *waits, p pressure, into []*trace) []*trace {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p != relaxed {
		for _, t := range s.open {
			if w.due(t, p) <= now {
				into = s.shut(t, into)
			}
		}
		return into
	}
	for _, c := range s.wheel.advance(now) {
		if c.ticket != c.trace.ticket {
			continue
		}
		if at := w.due(c.trace, p); at > now {
			s.schedule(c.trace, at)
			continue
		}
		into = s.shut(c.trace, into)
	}
	return into
}

func (s *shard) shut(t *trace, into []*trace) []*trace {
	t.ticket++
	delete(s.open, t.id)
	return append(into, t)
}

// reuse takes a trace that nobody looks at any more.
func (s *shard) reuse(t *trace) {
	clear(t.parts)
	*t = trace{parts: t.parts[:0], entries: t.entries[:0], table: t.table[:0], ticket: t.ticket + 1}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spare) < spares && cap(t.entries) <= spareEntries {
		s.spare = append(s.spare, t)
	}
}

// waits says how long traces stay open.
type waits struct {
	quiet, deadline time.Duration
	maxSpans        int
	maxBytes        int64
}

// due is when a trace must be decided, in Unix ns.
func (w *waits) due(t *trace, p pressure) int64 {
	at := t.opened + int64(w.deadline)
	switch {
	case p == full || len(t.entries) >= w.maxSpans || t.bytes >= w.maxBytes:
		return 0
	case p == tight:
		return min(at, t.touched+int64(w.quiet)/4)
	case t.rooted:
		return min(at, t.touched+int64(w.quiet))
	}
	return at
}
