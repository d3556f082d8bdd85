package otlp

import (
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
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

	cuts      []cut
	marks     []Mark
	sources   []Source
	sequences []Sequence
	source    *Source // that is being walked
}

// cut is a field that is refused: an item, or a container with everything in it, since what says whose the items are is faulty.
type cut struct {
	start, end int // of the field, its tag included
	at         int // where the fault is
	items      int
	source     int32 // an index into sources, or -1
	fault      Fault
	mark       *Mark
}

// Mark is an item that Transcode could not read: it stands in the transcoded bytes as far as it was read.
type Mark struct {
	// Item counts the items of the request, from 0.
	Item int
	// Path, in the names of protobuf, and Text say where and what the fault is.
	Path, Text string
	Fault      Fault
}

// Scan walks all of b down to the last attribute. Faulty items are counted and left out of Kept; marks lists, in
// order, the items that are known to be faulty already. b must not change while r is used. The error is a *Malformed:
// the framing is bad, so that nothing of b can be trusted.
func (r *Request) Scan(s Signal, b []byte, marks []Mark) error {
	*r = Request{Signal: s, Bytes: b, cuts: r.cuts[:0], marks: marks, sources: r.sources[:0], sequences: r.sequences[:0]}
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
		r.openSource()
	}
	items, cuts := r.Items, len(r.cuts)
	found := cut{start: start, end: int(rng.Off + rng.Len), source: int32(len(r.sources)) - 1}
	once, first := uint32(0), true
	c := over(r.Bytes, rng)
	for c.next() {
		f := m.field(c.num)
		if f == nil || f.kind.wire() != c.typ {
			continue
		}
		if f.kind == kindMessage && !f.list {
			if once&(1<<c.num) != 0 {
				return c.start, givenTwice
			}
			once |= 1 << c.num
		}
		fault, at, bad := Fault(0), c.start, framed
		switch {
		case f.kind == kindText:
			if !utf8.Valid(c.value()) {
				fault = FaultUTF8
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
			if f.of == resource {
				r.source.identify(r.Bytes, c.at())
			}
			fault, at, bad = check(r.Bytes, f.of, c.at(), 0)
		}
		if bad != framed {
			return at, bad
		}
		if fault != 0 && found.fault == 0 {
			found.fault, found.at = fault, max(at, c.start)
		}
	}
	if found.fault != 0 {
		found.items = r.Items - items
		r.cuts = append(r.cuts[:cuts], found)
	}
	return c.start, c.bad
}

// item checks the item at rng, whose field begins at start.
func (r *Request) item(id messageID, rng Range, start int) (int, reason) {
	ordinal := r.Items
	r.Items++
	r.source.Items++
	found := cut{start: start, end: int(rng.Off + rng.Len), items: 1, at: start, source: int32(len(r.sources)) - 1}
	if len(r.marks) > 0 && r.marks[0].Item == ordinal {
		found.mark, found.fault = &r.marks[0], r.marks[0].Fault
		r.marks = r.marks[1:]
		r.cuts = append(r.cuts, found)
		return 0, framed
	}
	if id == span {
		if t, ok := quickSpan(r.Bytes[rng.Off : rng.Off+rng.Len]); ok {
			r.source.note(t)
			return 0, framed
		}
	}
	var bad reason
	if found.fault, found.at, bad = check(r.Bytes, id, rng, 0); bad != framed {
		return found.at, bad
	}
	if found.at < 0 {
		found.at = start
	}
	if found.fault == 0 && id == histogramPoint && !bucketsFit(countBuckets(r.Bytes, rng)) {
		found.fault, found.at = FaultBuckets, start
	}
	if found.fault != 0 {
		r.cuts = append(r.cuts, found)
		return 0, framed
	}
	r.source.note(timesOf(r.Bytes, id, rng))
	return 0, framed
}

// Kept gives the request without what is refused: r.Bytes itself if that is nothing.
func (r *Request) Kept() []byte {
	if len(r.cuts) == 0 {
		return r.Bytes
	}
	dst := make([]byte, 0, len(r.Bytes))
	dst, _ = appendKept(dst, r.Bytes, &schema[r.Signal.root()], Range{Len: uint32(len(r.Bytes))}, r.cuts)
	return dst
}

// appendKept copies the container at rng without the cuts, and gives the cuts behind it.
func appendKept(dst, b []byte, m *message, rng Range, cuts []cut) ([]byte, []cut) {
	c := over(b, rng)
	for c.next() {
		switch {
		case len(cuts) == 0 || cuts[0].start >= c.pos:
			dst = append(dst, b[c.start:c.pos]...)
		case cuts[0].start == c.start:
			cuts = cuts[1:]
		default:
			var inner []byte
			inner, cuts = appendKept(nil, b, &schema[m.field(c.num).of], c.at(), cuts)
			dst = appendBytes(dst, protowire.Number(c.num), inner)
		}
	}
	return dst, cuts
}
