package point

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// How is what a number comes to.
type How uint8

// The ways to make one number of several.
const (
	Sum How = iota
	Last
	Min
	Max
	Mean
)

// Fields that have the same number in all points.
const (
	fieldStart protowire.Number = 2
	fieldTime  protowire.Number = 3
)

// unrecorded is the flag of a point that stands for no value.
const unrecorded = 1

// Pot takes points that become one. The zero value is to be Reset. One goroutine uses it.
type Pot struct {
	kind protowire.Number
	how  How
	head
	body
	next body // memory for the next point
}

// head is what all points have.
type head struct {
	start, time uint64
	flags       uint64
	exemplars   [][]byte // parts of the points
}

// body is what a kind of points has beside.
type body interface {
	// reset empties it, and keeps its memory.
	reset()
	// field reads a field.
	field(f *record.Field) (ok bool)
	// empty tells that there is no value.
	empty() bool
	// sound tells whether what was read can be added to others.
	sound() bool
	// add adds another of the same kind, which may change, and is false, and changes nothing, where that cannot be.
	add(other body, how How) bool
	// finish ends adding.
	finish(how How)
	append(dst []byte) []byte
}

// Fields of a kind of points that have another number in other kinds.
func fieldsOf(kind protowire.Number) (flags, exemplars protowire.Number) {
	switch kind {
	case record.Histogram:
		return 10, 8
	case record.ExponentialHistogram:
		return 10, 11
	}
	return 8, 5
}

func newBody(kind protowire.Number) body {
	switch kind {
	case record.Gauge, record.Sum:
		return &number{}
	case record.Histogram:
		return &histogram{}
	case record.ExponentialHistogram:
		return &exponential{}
	}
	return nil
}

// Takes tells whether points of a kind can be made one. Those of summaries cannot: quantiles do not add up.
func Takes(kind protowire.Number) bool { return newBody(kind) != nil }

// Times reads the start and the time of a point, in ns since 1970.
func Times(raw []byte) (start, time uint64) {
	for c := record.Over(raw); c.Next(); {
		switch {
		case c.Num == fieldStart && c.Type == protowire.Fixed64Type:
			start = c.Bits
		case c.Num == fieldTime && c.Type == protowire.Fixed64Type:
			time = c.Bits
		}
	}
	return start, time
}

// Reset begins with the first point of a kind that Takes knows. It is false if that point can never be added to others.
func (p *Pot) Reset(kind protowire.Number, how How, raw []byte) bool {
	*p = Pot{kind: kind, how: how, body: newBody(kind), next: newBody(kind)}
	return p.head.read(p.body, kind, raw)
}

// read reads a point into h and b, which is empty.
func (h *head) read(b body, kind protowire.Number, raw []byte) bool {
	flags, exemplars := fieldsOf(kind)
	c := record.Over(raw)
	for c.Next() {
		switch {
		case c.Num == fieldStart && c.Type == protowire.Fixed64Type:
			h.start = c.Bits
		case c.Num == fieldTime && c.Type == protowire.Fixed64Type:
			h.time = c.Bits
		case c.Num == flags && c.Type == protowire.VarintType:
			h.flags = c.Bits
		case c.Is(exemplars):
			h.exemplars = append(h.exemplars, c.Value)
		case !b.field(&c.Field):
			return false
		}
	}
	return c.Err() == nil && b.sound()
}

// Add adds a point, whose bytes must stay as they are until Append. It is false where that point cannot be added: it is
// to stay one of its own.
func (p *Pot) Add(raw []byte) bool {
	p.next.reset()
	var next head
	if !next.read(p.next, p.kind, raw) {
		return false
	}
	switch {
	case next.flags&unrecorded != 0 || p.next.empty():
	case p.flags&unrecorded != 0 || p.empty():
		p.body, p.next, p.flags = p.next, p.body, next.flags
	case !p.add(p.next, p.how):
		return false
	}
	p.start = min(p.start, next.start) // 0 is unknown, and stays so
	p.time = max(p.time, next.time)
	p.exemplars = append(p.exemplars, next.exemplars...)
	return true
}

// Append appends the point that all have become, without attributes. Nothing can be added after it.
func (p *Pot) Append(dst []byte) []byte {
	p.finish(p.how)
	flags, exemplars := fieldsOf(p.kind)
	dst = appendFixed(dst, fieldStart, p.start)
	dst = appendFixed(dst, fieldTime, p.time)
	dst = p.append(dst)
	for _, e := range p.exemplars {
		dst = record.AppendBytes(dst, exemplars, e)
	}
	if p.flags != 0 {
		dst = protowire.AppendVarint(protowire.AppendTag(dst, flags, protowire.VarintType), p.flags)
	}
	return dst
}

// appendFixed leaves out 0, as protobuf does.
func appendFixed(dst []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, num, protowire.Fixed64Type), v)
}

// optional is a number that need not be known.
type optional struct {
	value float64
	known bool
}

func known(bits uint64) optional { return optional{math.Float64frombits(bits), true} }

// with joins two by f; not known is what either does not know.
func (o optional) with(other optional, f func(a, b float64) float64) optional {
	if !o.known || !other.known {
		return optional{}
	}
	return optional{f(o.value, other.value), true}
}

func (o optional) append(dst []byte, num protowire.Number) []byte {
	if !o.known {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, num, protowire.Fixed64Type), math.Float64bits(o.value))
}

func plus(a, b float64) float64 { return a + b }
