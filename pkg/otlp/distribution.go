package otlp

import (
	"encoding/binary"
	"iter"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/id"
)

// Extremes gives the smallest and the largest value of a histogram or exponential histogram, each nothing if it is not
// said.
func (m *Metrics) Extremes(p *Point) (low, high Number) {
	at := m.layoutOf(p)
	for c := over(m.Bytes, p.Raw); c.next(); {
		switch {
		case c.typ != wireFixed64:
		case c.num == at.low:
			low = Number{c.val, ValueDouble}
		case c.num == at.high:
			high = Number{c.val, ValueDouble}
		}
	}
	return low, high
}

// BucketCounts yields the counts of the buckets of a histogram.
func (m *Metrics) BucketCounts(p *Point) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if m.Metrics[p.Metric].Kind == MetricHistogram {
			numbers(m.BytesOf(p.Raw), 6, wireFixed64, yield)
		}
	}
}

// Bounds yields the upper bounds of all buckets of a histogram but the last, which has none.
func (m *Metrics) Bounds(p *Point) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		if m.Metrics[p.Metric].Kind == MetricHistogram {
			numbers(m.BytesOf(p.Raw), 7, wireFixed64, func(bits uint64) bool { return yield(math.Float64frombits(bits)) })
		}
	}
}

// Exponential has the buckets of a point of an exponential histogram. Bucket i of a side, counted from its Offset, has
// the values above b^i up to b^(i+1), with b = 2^(2^-Scale).
type Exponential struct {
	Scale int32
	// ZeroCount counts the values that are not further from zero than ZeroThreshold.
	ZeroCount     uint64
	ZeroThreshold float64
	// Positive and Negative are the values above and, by their absolute value, below.
	Positive, Negative Buckets
}

// Buckets is one side of an exponential histogram.
type Buckets struct {
	// Offset is the index of the first bucket.
	Offset int32

	point []byte
	side  uint32 // number of its field in the point
}

// Exponential views the buckets of a point of an exponential histogram; of others it is the zero value.
func (m *Metrics) Exponential(p *Point) (e Exponential) {
	if m.Metrics[p.Metric].Kind != MetricExponential {
		return e
	}
	b := m.BytesOf(p.Raw)
	e.Positive, e.Negative = Buckets{point: b, side: 8}, Buckets{point: b, side: 9}
	for c := (cursor{b: b, end: len(b)}); c.next(); {
		switch uint64(c.num)<<3 | uint64(c.typ) {
		case 6<<3 | wireVarint:
			e.Scale = zigzag(c.val)
		case 7<<3 | wireFixed64:
			e.ZeroCount = c.val
		case 8<<3 | wireBytes:
			e.Positive.shift(c.value())
		case 9<<3 | wireBytes:
			e.Negative.shift(c.value())
		case 14<<3 | wireFixed64:
			e.ZeroThreshold = math.Float64frombits(c.val)
		}
	}
	return e
}

// shift reads the offset that a Buckets message says.
func (s *Buckets) shift(b []byte) {
	for c := (cursor{b: b, end: len(b)}); c.next(); {
		if c.num == 1 && c.typ == wireVarint {
			s.Offset = zigzag(c.val)
		}
	}
}

// Counts yields the counts of the buckets, from that at Offset on.
func (s Buckets) Counts() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for c := (cursor{b: s.point, end: len(s.point)}); c.next(); {
			if c.num == s.side && c.typ == wireBytes && !numbers(c.value(), 2, wireVarint, yield) {
				return
			}
		}
	}
}

// Quantiles yields the quantiles of a summary, each from 0 to 1 with its value.
func (m *Metrics) Quantiles(p *Point) iter.Seq2[float64, float64] {
	return func(yield func(quantile, value float64) bool) {
		if m.Metrics[p.Metric].Kind != MetricSummary {
			return
		}
		for c := over(m.Bytes, p.Raw); c.next(); {
			if c.num != 6 || c.typ != wireBytes {
				continue
			}
			var at [3]uint64
			for q := over(m.Bytes, c.at()); q.next(); {
				if (q.num == 1 || q.num == 2) && q.typ == wireFixed64 {
					at[q.num] = q.val
				}
			}
			if !yield(math.Float64frombits(at[1]), math.Float64frombits(at[2])) {
				return
			}
		}
	}
}

// Exemplar is a view of one measurement that stands for others.
type Exemplar struct {
	// Trace and Span are where it was measured; zero if that is not said, or not in ids of the right length.
	Trace id.Trace
	Span  id.Span
	// Time is in ns since 1970.
	Time  uint64
	Value Number
	// Raw is the Exemplar message.
	Raw Range
}

// Exemplars yields the exemplars of a point.
func (m *Metrics) Exemplars(p *Point) iter.Seq[Exemplar] {
	return func(yield func(Exemplar) bool) {
		num := m.layoutOf(p).exemplars
		for c := over(m.Bytes, p.Raw); c.next(); {
			if c.num == num && c.typ == wireBytes && !yield(m.exemplar(c.at())) {
				return
			}
		}
	}
}

func (m *Metrics) exemplar(at Range) Exemplar {
	e := Exemplar{Raw: at}
	for c := over(m.Bytes, at); c.next(); {
		switch uint64(c.num)<<3 | uint64(c.typ) {
		case 2<<3 | wireFixed64:
			e.Time = c.val
		case 3<<3 | wireFixed64:
			e.Value = Number{c.val, ValueDouble}
		case 4<<3 | wireBytes:
			copyID(e.Span[:], c.value())
		case 5<<3 | wireBytes:
			copyID(e.Trace[:], c.value())
		case 6<<3 | wireFixed64:
			e.Value = Number{c.val, ValueInt}
		}
	}
	return e
}

// ExemplarAttrs yields the attributes of an exemplar that its point has not; the keys are part of m.Bytes.
func (m *Metrics) ExemplarAttrs(e *Exemplar) iter.Seq2[[]byte, Value] {
	return attrs(m.Bytes, e.Raw, 7)
}

// numbers yields all numbers of a list in the message b, packed or not, and tells whether more are wanted.
func numbers(b []byte, num uint32, wire uint8, yield func(uint64) bool) bool {
	for c := (cursor{b: b, end: len(b)}); c.next(); {
		switch {
		case c.num != num:
		case c.typ == wire:
			if !yield(c.val) {
				return false
			}
		case c.typ == wireBytes:
			for v := c.value(); len(v) > 0; {
				x, n := number(v, wire)
				if n < 0 || !yield(x) {
					return n < 0
				}
				v = v[n:]
			}
		}
	}
	return true
}

// number reads the first number of a packed list and how many bytes it takes, negative if there is none.
func number(b []byte, wire uint8) (uint64, int) {
	if wire == wireVarint {
		return uvarint(b, 0)
	}
	if len(b) < 8 {
		return 0, -1
	}
	return binary.LittleEndian.Uint64(b), 8
}

// zigzag reads a sint32.
func zigzag(v uint64) int32 { return int32(protowire.DecodeZigZag(v & math.MaxUint32)) }
