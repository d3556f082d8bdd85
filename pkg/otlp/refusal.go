package otlp

import (
	"fmt"
	"sort"
)

// Refusal tells what is wrong with items that were left out, by the first of them.
type Refusal struct {
	Fault Fault
	// Items counts the items with this fault.
	Items int
	// Path leads to the field that is faulty, in the names of protobuf; JSONPath turns them into those of JSON.
	Path string
	// Text says what came and what is wanted.
	Text string
	// Item is where the first of the items lies in Request.Bytes, without its tag and length: a container with items if
	// that is what is refused.
	Item Range
}

// Refusals gives one Refusal for each kind of fault, in the order in which they appear. It walks through the request to
// name each.
func (r *Request) Refusals() []Refusal { return r.refusals(r.edits) }

// RefusalsOf gives the refusals of the source i alone.
func (r *Request) RefusalsOf(i int) []Refusal {
	from := sort.Search(len(r.edits), func(e int) bool { return int(r.edits[e].source) >= i })
	to := sort.Search(len(r.edits), func(e int) bool { return int(r.edits[e].source) > i })
	return r.refusals(r.edits[from:to])
}

func (r *Request) refusals(edits []edit) []Refusal {
	var out []Refusal
	var index [256]int // of each fault, from 1
	for i := range edits {
		e := &edits[i]
		if e.fault == 0 {
			continue
		}
		if at := index[e.fault]; at > 0 {
			out[at-1].Items += int(e.items)
			continue
		}
		out = append(out, r.explain(e))
		index[e.fault] = len(out)
	}
	return out
}

func (r *Request) explain(e *edit) Refusal {
	field := cursor{b: r.Bytes, pos: int(e.start), end: int(e.end)}
	field.next()
	out := Refusal{Fault: e.fault, Items: int(e.items), Item: field.at()}
	if e.mark != nil {
		out.Path, out.Text = e.mark.Path, e.mark.Text
	} else {
		out.Path, out.Text = pathTo(r.Bytes, r.Signal.root(), int(e.at)), r.reason(e)
		switch missing := e.at == e.start; e.fault {
		case FaultTraceID, FaultSpanID, FaultParentID:
			if missing {
				out.Path += "." + e.fault.String()
			}
		case FaultBuckets:
			name, _ := r.bucketsOf(e)
			out.Path += "." + name
		}
	}
	if name, ok := r.metricAt(int(e.start)); ok {
		out.Text = fmt.Sprintf("metric %q: %s", name, out.Text)
	}
	return out
}

// reason says what came and what is wanted.
func (r *Request) reason(e *edit) string {
	switch e.fault {
	case FaultTraceID:
		return r.idReason(e, 16)
	case FaultSpanID, FaultParentID:
		return r.idReason(e, 8)
	case FaultDepth:
		return fmt.Sprintf("values nested deeper than %d", MaxDepth)
	case FaultCount:
		return fmt.Sprintf("more than %d elements", MaxCount)
	case FaultBuckets:
		_, text := r.bucketsOf(e)
		return text
	}
	return e.fault.String()
}

func (r *Request) idReason(e *edit, want int) string {
	field := cursor{b: r.Bytes, pos: int(e.at), end: int(e.end)}
	field.next()
	switch n := field.pos - field.off; {
	case e.at == e.start:
		return fmt.Sprintf("missing, want %d bytes", want)
	case n == 0:
		return fmt.Sprintf("empty, want %d bytes", want)
	case n == want:
		return "all zero, want an id"
	default:
		return fmt.Sprintf("%d bytes, want %d", n, want)
	}
}

// bucketsOf says which field of a histogram point does not fit, and why.
func (r *Request) bucketsOf(e *edit) (field, text string) {
	id, c := fieldAt(r.Bytes, r.Signal.root(), int(e.start))
	return tallyOf(r.Bytes, schema[id].field(c.num).of, c.at()).misfit()
}

// fieldAt finds the field that begins at a place, and the message that it belongs to.
func fieldAt(b []byte, root messageID, start int) (messageID, cursor) {
	m, c := root, cursor{b: b, end: len(b)}
	for c.next() && c.start != start {
		if f := schema[m].field(c.num); start < c.pos && f != nil && f.kind == kindMessage {
			m, c = f.of, over(b, c.at())
		}
	}
	return m, c
}

// metricAt gives the name of the metric around a place, cut if it is long, and whether there is one.
func (r *Request) metricAt(offset int) (string, bool) {
	m, c := r.Signal.root(), cursor{b: r.Bytes, end: len(r.Bytes)}
	for m != metric {
		if !c.next() {
			return "", false
		}
		f := schema[m].field(c.num)
		if f != nil && f.kind == kindMessage && c.typ == wireBytes && offset >= c.off && offset < c.pos {
			m, c = f.of, over(r.Bytes, c.at())
		}
	}
	var name []byte
	for c.next() {
		if c.num == 1 && c.typ == wireBytes {
			name = c.value()
		}
	}
	return shorten(string(name), 64), true
}
