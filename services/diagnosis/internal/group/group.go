// Package group gathers anomalies into incidents. It is pure: anomalies, graph and time go in, changes come out.
//
// An anomaly is a trouble when it is upward, strong enough and of a family that hurts by itself (durations, failures,
// fan-out, roots); everything else only supports. Two troubles belong together when they began within a window of each
// other and are near in the graph, or are of one series; belonging together is transitive. Supporting anomalies join
// what they are near to and never bridge two incidents.
//
// A group of troubles becomes an incident when there is evidence enough. What is measured several times, as the
// durations of one service and of the calls to it, counts once, so that the noise of one operation is one piece of
// evidence however many series show it:
//
//   - two or more pieces, whose scores add up to Rules.Evidence; or
//   - one, of a score of Rules.Strong, that has lasted for Rules.Sustain.
//
// An incident ends when none of its troubles has been open for Rules.Quiet. When groups grow together the oldest
// incident takes the others in.
package group

import (
	"cmp"
	"slices"
	"time"

	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

// Anomaly is a stretch in which a series left its past.
type Anomaly struct {
	ID string
	// Series identifies the series.
	Series string
	// Symptom is zero when the model does not know the series.
	Symptom cause.Symptom
	// Service is the one it speaks of, Client the calling one for an edge.
	Service, Client string
	Up              bool
	Score           float64
	// Start and Last are its first and latest point, End is zero while it is open.
	Start, Last, End time.Time
}

// Rules say when anomalies make an incident.
type Rules struct {
	// Threshold is the least score of a trouble.
	Threshold float64
	// Evidence is the least sum of scores over two or more pieces of evidence.
	Evidence float64
	// Strong is the least score of one piece that stands alone, and Sustain how long it must have lasted.
	Strong  float64
	Sustain time.Duration
	// Window is how far apart troubles that belong together begin.
	Window time.Duration
	// Quiet is how long an incident must have been without an open trouble to be over.
	Quiet time.Duration
}

// trouble tells whether an anomaly hurts by itself.
func (r Rules) trouble(a *Anomaly) bool {
	switch a.Symptom.Family() {
	case cause.Slow, cause.Errors, cause.Fanout, cause.Roots:
		return a.Up && a.Score >= r.Threshold
	}
	return false
}

// fresh tells whether an anomaly is open, or ended a short while ago.
func (r Rules) fresh(a *Anomaly, now time.Time) bool {
	return a.End.IsZero() || now.Sub(a.End) < r.Quiet
}

// piece is what anomalies of one family at one service are evidence of.
type piece struct {
	service string
	family  cause.Family
}

// enough tells whether troubles that belong together make an incident.
func (r Rules) enough(troubles []*Anomaly) bool {
	best := map[piece]float64{}
	for _, a := range troubles {
		if a.Score >= r.Strong && a.Last.Sub(a.Start) >= r.Sustain {
			return true
		}
		p := piece{a.Service, a.Symptom.Family()}
		best[p] = max(best[p], a.Score)
	}
	sum := 0.0
	for _, score := range best {
		sum += score
	}
	return len(best) >= 2 && sum >= r.Evidence
}

// belong tells whether two anomalies are close in time and in the graph.
func (r Rules) belong(a, b *Anomaly, near func(a, b string) bool) bool {
	if a.Series == b.Series {
		return true
	}
	if apart := a.Start.Sub(b.Start).Abs(); apart > r.Window {
		return false
	}
	for _, m := range a.nodes() {
		for _, n := range b.nodes() {
			if near(m, n) {
				return true
			}
		}
	}
	return false
}

func (a *Anomaly) nodes() []string {
	if a.Client != "" {
		return []string{a.Service, a.Client}
	}
	return []string{a.Service}
}

// sorted gives the anomalies oldest first.
func sorted(all []*Anomaly) []*Anomaly {
	slices.SortFunc(all, func(a, b *Anomaly) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return all
}
