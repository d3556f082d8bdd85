package otlp

import (
	"iter"
	"math"
)

// Number is a double, an integer, or nothing. The zero Number is nothing.
type Number struct {
	bits uint64
	kind ValueKind // ValueEmpty, ValueDouble or ValueInt
}

// Float gives a double or an integer as a double, and whether n is one.
func (n Number) Float() (float64, bool) {
	switch n.kind {
	case ValueDouble:
		return math.Float64frombits(n.bits), true
	case ValueInt:
		return float64(int64(n.bits)), true
	}
	return 0, false
}

// Int gives an integer, and whether n is one.
func (n Number) Int() (int64, bool) { return int64(n.bits), n.kind == ValueInt }

// Point is a view of one data point of a metric of any kind.
type Point struct {
	// Start and Time are in ns since 1970, as sent; 0 is not said.
	Start, Time uint64
	// Value is that of a gauge or a sum.
	Value Number
	// Count and Sum are those of a histogram, an exponential histogram or a summary.
	Count uint64
	Sum   Number
	// Raw is the message of the data point, without its tag and length.
	Raw Range
	// Flags has bit 0 set if there was nothing to record.
	Flags uint32
	// Metric is an index into the Metrics that this view belongs to.
	Metric int32
	// Attrs and Exemplars count what the point carries.
	Attrs, Exemplars uint32
	// Fault is zero, or the first reason found why the point is no good.
	Fault Fault
}

// Unrecorded tells that the point stands for a gap: there was nothing to record.
func (p *Point) Unrecorded() bool { return p.Flags&1 != 0 }

// Impossible tells that the point ends before it starts, or says no time.
func (p *Point) Impossible() bool { return times{p.Start, p.Time}.impossible() }

// PointAttr finds an attribute of a point. It allocates nothing.
func (m *Metrics) PointAttr(p *Point, key string) (Value, bool) {
	return findAttr(m.Bytes, p.Raw, m.layoutOf(p).attributes, key)
}

// PointAttrs yields the attributes of a point; the keys are part of m.Bytes.
func (m *Metrics) PointAttrs(p *Point) iter.Seq2[[]byte, Value] {
	return attrs(m.Bytes, p.Raw, m.layoutOf(p).attributes)
}

// layout has the numbers of the fields that not all kinds of points have in the same place; 0 is no field.
type layout struct{ attributes, exemplars, flags, low, high uint32 }

func (k MetricKind) layout() layout {
	switch k {
	case MetricGauge, MetricSum:
		return layout{attributes: 7, exemplars: 5, flags: 8}
	case MetricHistogram:
		return layout{attributes: 9, exemplars: 8, flags: 10, low: 11, high: 12}
	case MetricExponential:
		return layout{attributes: 1, exemplars: 11, flags: 10, low: 12, high: 13}
	case MetricSummary:
		return layout{attributes: 7, flags: 8}
	}
	return layout{}
}

func (m *Metrics) layoutOf(p *Point) layout { return m.Metrics[p.Metric].Kind.layout() }

// scan fills p from the message at p.Raw. Of a number that is given twice the last counts, as in protobuf.
func (p *Point) scan(b []byte, kind MetricKind, level Level) (at int, bad reason) {
	at, bad = p.fill(b, kind)
	if bad == framed && level == LevelAll {
		p.Fault, at, bad = judge(b, kind.point(), p.Raw)
	}
	return at, bad
}

func (p *Point) fill(b []byte, kind MetricKind) (int, reason) {
	number, at := kind == MetricGauge || kind == MetricSum, kind.layout()
	c := over(b, p.Raw)
	for c.next() {
		switch c.typ {
		case wireBytes:
			switch c.num {
			case at.attributes:
				p.Attrs += 1 + c.more()
			case at.exemplars:
				p.Exemplars++
			}
		case wireVarint:
			if c.num == at.flags {
				p.Flags = uint32(c.val)
			}
		case wireFixed64:
			switch {
			case c.num == 2:
				p.Start = c.val
			case c.num == 3:
				p.Time = c.val
			case number && c.num == 4:
				p.Value = Number{c.val, ValueDouble}
			case number && c.num == 6:
				p.Value = Number{c.val, ValueInt}
			case !number && c.num == 4:
				p.Count = c.val
			case !number && c.num == 5:
				p.Sum = Number{c.val, ValueDouble}
			}
		}
	}
	return c.start, c.bad
}
