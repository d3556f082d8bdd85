package otlp

import (
	"math"
	"unicode/utf8"
)

// Signal is a kind of telemetry.
type Signal uint8

// The signals of OTLP that are stable.
const (
	SignalTraces Signal = iota
	SignalLogs
	SignalMetrics
)

// String is the word in the path and in the names of metrics.
func (s Signal) String() string { return [...]string{"traces", "logs", "metrics"}[s] }

// root is the export request of a signal.
func (s Signal) root() messageID {
	return [...]messageID{tracesRequest, logsRequest, metricsRequest}[s]
}

// Request checks an export request of any signal before it is taken in. The zero value is ready for Scan; a used one
// keeps its memory. One goroutine uses it.
type Request struct {
	// Signal and Bytes are what was scanned.
	Signal Signal
	Bytes  []byte
	// Items counts the spans, log records or data points found, and Refused those of them that are faulty.
	Items, Refused int

	edits     []edit
	mender    *mender // that has done them, or nil
	marks     []Mark
	sources   []Source
	sequences []Sequence
	source    *Source // that is being walked
}

// Mark is an item that Transcode could not read: it stands in the transcoded bytes as far as it was read.
type Mark struct {
	// Item counts the items of the request, from 0.
	Item int
	// Path, in the names of protobuf, and Text say where and what the fault is.
	Path, Text string
	Fault      Fault
}

// Scan walks all of b down to the last attribute. Faulty items are counted and left out of Kept; what can be mended is
// mended there. marks lists, in order, the items that are known to be faulty already. b must not change while r is
// used. The error is a *Malformed: the framing is bad, so that nothing of b can be trusted, or there is more to note of
// b than MaxFaults or MaxSources.
func (r *Request) Scan(s Signal, b []byte, marks []Mark) error {
	*r = Request{Signal: s, Bytes: b, edits: r.edits[:0], marks: marks, sources: r.sources[:0], sequences: r.sequences[:0]}
	if len(b) > math.MaxInt32 {
		return malformed(b, s.root(), 0, tooBig)
	}
	at, bad := r.walk(s.root(), Range{Len: uint32(len(b))}, 0)
	if bad != framed {
		return malformed(b, s.root(), at, bad)
	}
	r.settle()
	return nil
}

// walk goes through the container at rng, whose field begins at start.
func (r *Request) walk(id messageID, rng Range, start int) (int, reason) {
	m := &schema[id]
	if m.role == source {
		if len(r.sources) == MaxSources {
			return start, tooManySources
		}
		r.openSource(start)
		r.source.Bytes = int(rng.Off+rng.Len) - start
	}
	items, edits := r.Items, len(r.edits)
	found := edit{start: uint32(start), end: rng.Off + rng.Len}
	once, first := uint32(0), true
	c := over(r.Bytes, rng)
	for c.next() {
		f := m.field(c.num)
		if f == nil || f.kind.wire() != c.typ {
			continue
		}
		if f.kind == kindMessage && !f.list {
			switch {
			case once&(1<<c.num) != 0:
				return c.start, givenTwice
			case once&id.oneof() != 0: // protobuf would read the last of them, and items taken would be lost
				return c.start, secondKind
			}
			once |= 1 << c.num
		}
		at, bad := c.start, framed
		switch {
		case f.kind == kindText:
			if !utf8.Valid(c.value()) {
				bad = r.edit(edit{start: uint32(c.start), end: uint32(c.pos)})
			}
		case f.kind != kindMessage:
		case schema[f.of].role == item:
			at, bad = r.item(f.of, c.at(), c.start)
			if first && f.of == span {
				r.noteSequence(c.value())
			}
			first = false
		case schema[f.of].role != part:
			at, bad = r.walk(f.of, c.at(), c.start)
		default:
			at, bad = r.part(f.of, &c, &found)
		}
		if bad != framed {
			return at, bad
		}
	}
	if c.bad == framed && found.fault != 0 {
		found.items = uint32(r.Items - items)
		r.edits = r.edits[:edits]
		return start, r.edit(found)
	}
	return c.start, c.bad
}

// part checks the message that c is at, which says something of all the items around it: its fault is theirs.
func (r *Request) part(id messageID, c *cursor, around *edit) (int, reason) {
	if id == resource && r.source.quickResource(r.Bytes, c.at()) {
		return 0, framed
	}
	in := check(r.Bytes, id, c.at(), 0)
	switch {
	case in.bad != framed:
		return in.at, in.bad
	case in.fault != 0:
		if around.fault == 0 {
			around.fault, around.at = in.fault, uint32(max(in.at, c.start))
		}
	case in.mend != 0:
		return c.start, r.edit(edit{start: uint32(c.start), end: uint32(c.pos)})
	}
	return 0, framed
}

// item checks the item at rng, whose field begins at start.
func (r *Request) item(id messageID, rng Range, start int) (int, reason) {
	ordinal := r.Items
	r.Items++
	r.source.Items++
	marked := len(r.marks) > 0 && r.marks[0].Item == ordinal
	if id == span && !marked {
		if t, ok := quickSpan(r.Bytes[rng.Off : rng.Off+rng.Len]); ok {
			r.source.note(span, t)
			return 0, framed
		}
	}
	found := edit{start: uint32(start), end: rng.Off + rng.Len, at: uint32(start), items: 1}
	if marked {
		found.mark, found.fault = &r.marks[0], r.marks[0].Fault
		r.marks = r.marks[1:]
		return start, r.edit(found)
	}
	in := inspect(r.Bytes, id, rng)
	if in.bad != framed {
		return in.at, in.bad
	}
	if in.fault != 0 {
		found.fault, found.at = in.fault, uint32(max(in.at, start))
		return start, r.edit(found)
	}
	r.source.note(id, in.when())
	if in.mend != 0 {
		found.items = 0
		return start, r.edit(found)
	}
	return 0, framed
}
