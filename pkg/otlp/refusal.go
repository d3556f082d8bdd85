package otlp

import (
	"fmt"
	"strings"
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

// Refusals gives one Refusal for each kind of fault, in the order in which they appear.
func (r *Request) Refusals() []Refusal { return r.refusals(func(*cut) bool { return true }) }

// RefusalsOf gives the refusals of the source i alone.
func (r *Request) RefusalsOf(i int) []Refusal {
	return r.refusals(func(c *cut) bool { return int(c.source) == i })
}

func (r *Request) refusals(of func(*cut) bool) []Refusal {
	var out []Refusal
	var index [256]int // of each fault, from 1
	for i := range r.cuts {
		c := &r.cuts[i]
		if !of(c) {
			continue
		}
		if at := index[c.fault]; at > 0 {
			out[at-1].Items += c.items
			continue
		}
		out = append(out, r.explain(c))
		index[c.fault] = len(out)
	}
	return out
}

// message is where the message of the field lies that is refused.
func (c *cut) message(b []byte) Range {
	field := cursor{b: b, pos: c.start, end: c.end}
	field.next()
	return field.at()
}

func (r *Request) explain(c *cut) Refusal {
	out := Refusal{Fault: c.fault, Items: c.items, Item: c.message(r.Bytes)}
	if c.mark != nil {
		out.Path, out.Text = c.mark.Path, c.mark.Text
		return out
	}
	out.Path = pathTo(r.Bytes, r.Signal.root(), c.at)
	field := cursor{b: r.Bytes, pos: c.at, end: c.end}
	field.next()
	switch c.fault {
	case FaultTraceID, FaultSpanID, FaultParentID:
		size := 8
		if c.fault == FaultTraceID {
			size = 16
		}
		switch n := field.pos - field.off; {
		case c.at == c.start:
			out.Path += "." + c.fault.String()
			out.Text = fmt.Sprintf("missing, want %d bytes", size)
		case n == size:
			out.Text = "all zero, want an id"
		default:
			out.Text = fmt.Sprintf("%d bytes, want %d", n, size)
		}
	case FaultUTF8:
		out.Text = "not UTF-8"
	case FaultDepth:
		out.Text = fmt.Sprintf("values nested deeper than %d", MaxDepth)
	case FaultCount:
		out.Text = fmt.Sprintf("more than %d elements", MaxCount)
	case FaultBuckets:
		counts, bounds := countBuckets(r.Bytes, field.at())
		out.Path += ".bucket_counts"
		out.Text = fmt.Sprintf("%d buckets for %d bounds of metric %q, want one more than bounds", counts, bounds, r.metricAt(c.at))
	}
	return out
}

// metricAt gives the name of the metric around a place.
func (r *Request) metricAt(offset int) string {
	m, c := metricsRequest, cursor{b: r.Bytes, end: len(r.Bytes)}
	for c.next() {
		f := schema[m].field(c.num)
		if f == nil || f.kind != kindMessage || c.typ != wireBytes || offset < c.off || offset >= c.pos {
			continue
		}
		m, c = f.of, over(r.Bytes, c.at())
		if m == metric {
			break
		}
	}
	var name []byte
	for c.next() {
		if c.num == 1 && c.typ == wireBytes {
			name = c.value()
		}
	}
	return strings.ToValidUTF8(string(name), "\uFFFD")
}
