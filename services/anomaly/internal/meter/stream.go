package meter

import (
	"math"

	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/triflow/triflow/services/anomaly/internal/delta"
	"github.com/triflow/triflow/services/anomaly/internal/histogram"
)

// Type is what a metric is.
type Type int

// The types.
const (
	Gauge Type = iota
	Sum
	Histogram
	ExponentialHistogram
	Summary
)

// Identity is what the points of a stream have in common, beside their labels (OpenTelemetry, metrics data model,
// "Timeseries model"). The version of a scope is no part of it: a new one of a program goes on with the old one's stream.
type Identity struct {
	Name, Unit, Scope string
	Type              Type
	Delta             bool // points hold what was added, not a total
	Monotonic         bool // a sum that only rises
}

// level tells that a point is a value by itself.
func (d Identity) level() bool { return d.Type == Gauge || d.Type == Sum && !d.Monotonic && !d.Delta }

// Numbers tells that its points are numbers, and not distributions.
func (d Identity) Numbers() bool { return d.Type == Gauge || d.Type == Sum }

// Stream is one metric with one set of labels. It belongs to its Meter and is to be read only, until the next Read.
type Stream struct {
	Identity
	Labels map[string]string
	// Order numbers the streams of a Meter as they came.
	Order uint64
	history

	numbers       delta.Stream[delta.Number]
	distributions delta.Stream[histogram.Distribution]
	all           histogram.Distribution
}

// Quantile gives the q-quantile of all observations that the stream told of since it is followed, in the metric's
// unit: of its first total and what was added since. It is false without buckets or observations.
func (s *Stream) Quantile(q float64) (float64, bool) { return s.all.Quantile(q) }

// point is what all data points of OTLP have.
type point interface {
	GetStartTimeUnixNano() uint64
	GetTimeUnixNano() uint64
	GetFlags() uint32
}

// begin gives the point of p with its times. A start that no clock can have told is none.
func begin(p point) Point {
	start := p.GetStartTimeUnixNano()
	if start > p.GetTimeUnixNano() {
		start = 0
	}
	const noValue = uint32(metricsv1.DataPointFlags_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)
	return Point{Start: int64(start), At: int64(p.GetTimeUnixNano()), Gap: p.GetFlags()&noValue != 0}
}

// growth is what was added, and in how many seconds; 0 if that is not known or the point is late.
type growth[T any] struct {
	added   T
	seconds float64
	late    bool // the point changes nothing
}

// grow tells what a point adds, and sets that in the point.
func grow[T delta.Total[T]](s *Stream, totals *delta.Stream[T], p *Point, value T) growth[T] {
	step := delta.Step[T]{Known: true, Added: value, From: p.Start}
	if !s.Delta {
		step = totals.Next(p.Start, p.At, value)
	} else if p.Start == 0 || p.Start == p.At {
		step.From = s.before(p.At)
	}
	if step.Late {
		s.Figures.Late++
		return growth[T]{late: true}
	}
	p.First, p.Reset, p.HasAdded = !step.Known && !step.Reset, step.Reset, step.Known
	g := growth[T]{added: step.Added}
	if step.Known && step.From > 0 && p.At > s.last() {
		g.seconds = float64(p.At-step.From) / 1e9
	}
	return g
}

// number takes in a finite number of a sum that rises.
func (s *Stream) number(p Point, n delta.Number) (growth[delta.Number], bool) {
	g := grow(s, &s.numbers, &p, n)
	if g.late {
		return g, false
	}
	p.AddedSum, p.HasAddedSum, p.HasAdded = g.added.Float(), p.HasAdded, false
	s.note(p)
	return g, true
}

// distribution takes in a distribution.
func (s *Stream) distribution(p Point, d histogram.Distribution) (growth[histogram.Distribution], bool) {
	p.Count, p.Sum, p.HasSum = d.Count, d.Sum, d.HasSum
	p.NonFinite = d.HasSum && !finite(d.Sum)
	first := len(s.Points) == 0
	g := grow(s, &s.distributions, &p, d)
	if g.late {
		return g, false
	}
	switch {
	case p.HasAdded:
		p.AddedCount, p.AddedSum, p.HasAddedSum = g.added.Count, g.added.Sum, g.added.HasSum && finite(g.added.Sum)
		s.all = s.all.Plus(g.added)
	case first:
		s.all = d
	}
	s.note(p)
	return g, true
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
