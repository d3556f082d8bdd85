package detect

import (
	"math"
	"strings"
)

// Kind says what is known of the noise of a series, from its name.
type Kind int

// The kinds.
const (
	Gauge       Kind = iota // anything else
	Ratio                   // a share of the observations, 0 to 1
	Rate                    // events a second
	Duration                // seconds, a quantile or mean of the observations
	Fanout                  // events for each observation
	Utilization             // a share of a resource, 0 to 1; only a rise is judged
	Backlog                 // things that wait; only a rise is judged
	Shown                   // kept to be shown, never judged
)

// KindOf tells the kind of the series with this name.
func KindOf(name string) Kind {
	switch {
	case name == "edge.fanout":
		return Fanout
	case strings.HasSuffix(name, ".ratio"):
		return Ratio
	case strings.HasSuffix(name, ".rate"):
		return Rate
	case strings.HasSuffix(name, ".utilization"):
		return Utilization
	case strings.HasSuffix(name, ".p90"), strings.HasSuffix(name, ".duration.mean"):
		return Duration
	}
	return Gauge
}

// noise is what is known beforehand of a kind. Scales are in the domain in which the kind is examined.
type noise struct {
	relative  float64 // least spread, as a share of the level
	absolute  float64 // least spread, as a value
	sampling  float64 // spread of the point of one observation; of n observations it is this / √n
	minWeight float64 // a point with a known, smaller number of observations is not judged
}

// noises states the floors. A p90 of n log-normal durations with deviation σ has the relative error 1.71 σ/√n; σ of a
// service's durations is about 0.5. Sketches add up to 5 %. A fan-out is a mean of counts, whose deviation is about 1.
var noises = [...]noise{
	Gauge:       {relative: 0.10},
	Ratio:       {absolute: 0.002, minWeight: 5},
	Rate:        {relative: 0.08},
	Duration:    {absolute: 0.15, sampling: 0.85, minWeight: 4},
	Fanout:      {relative: 0.05, absolute: 0.02, sampling: 1, minWeight: 4},
	Utilization: {relative: 0.05, absolute: 0.02},
	Backlog:     {relative: 0.25, absolute: 3},
	Shown:       {},
}

// started is added to a duration before its logarithm is taken: zero has one, and noise far below a millisecond is none.
const started = 0.001

// domain maps a value to where its noise is even.
func (k Kind) domain(value float64) float64 {
	if k == Duration {
		return math.Log(math.Max(value, 0) + started)
	}
	return value
}

// value maps back from the domain.
func (k Kind) value(y float64) float64 {
	if k == Duration {
		return math.Exp(y) - started
	}
	return y
}

// unit gives the scale s around y in the unit of the value.
func (k Kind) unit(y, s float64) float64 {
	if k == Duration {
		return math.Exp(y) * s
	}
	return s
}

// floor gives the least scale for a point of the given number of observations (0: not known) around level, which is in the domain.
func (k Kind) floor(level, weight, interval float64) float64 {
	n := noises[k]
	floor := math.Max(n.absolute, n.relative*math.Abs(level))
	sampling := 0.0
	switch k {
	case Rate:
		// Var(count)/interval². Half an event more keeps a rate of zero from having no noise.
		sampling = math.Sqrt((math.Max(level, 0)*interval + 0.5)) / interval
	case Ratio:
		if weight > 0 {
			p := (level*weight + 0.5) / (weight + 1)
			sampling = math.Sqrt(math.Max(p*(1-p), 0) / weight)
		}
	default:
		if weight > 0 {
			sampling = n.sampling / math.Sqrt(weight)
		}
	}
	if floor = math.Hypot(floor, sampling); floor > 0 {
		return floor
	}
	return 1 // a gauge that was always exactly zero: one of its units
}

// matters tells whether the step from expected to value is large enough for anyone to care; both are values, not in
// the domain.
func (k Kind) matters(expected, value, weight float64) bool {
	by := math.Abs(value - expected)
	switch k {
	case Ratio:
		return by >= 0.02 && (weight == 0 || by*weight >= 1.5)
	case Rate:
		return by >= 0.3*math.Abs(expected) && by >= 0.2
	case Duration:
		return by >= 0.005 && (value >= 1.3*expected || value <= expected/1.3)
	case Fanout:
		return by >= 0.3 && by >= 0.25*expected
	case Utilization:
		return value > expected && by >= 0.15
	case Backlog:
		return value > expected && by >= 10 && by >= expected
	case Shown:
		return false
	default:
		return by >= 0.5*math.Abs(expected)
	}
}
