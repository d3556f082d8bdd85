package group

import (
	"slices"
	"time"
)

// Incident is a group that has become one.
type Incident struct {
	ID string
	// Start is when its first trouble began, End is zero while it is open.
	Start, End time.Time
	// Members by the id of the anomaly, as they were last seen.
	Members map[string]Anomaly
	// Into is the incident that has taken this one in; empty: none.
	Into string
	// Changed says that the last step changed a member or the end.
	Changed bool
}

// Tracker holds the open incidents. One goroutine uses it.
type Tracker struct {
	rules Rules
	open  []*Incident // oldest first
}

// NewTracker makes a tracker that goes on with the incidents in open, oldest first.
func NewTracker(rules Rules, open []*Incident) *Tracker { return &Tracker{rules, open} }

// Open gives the open incidents, oldest first; they belong to the tracker.
func (t *Tracker) Open() []*Incident { return t.open }

// Step takes all anomalies that are open or ended lately, and gives the incidents that are open and those that ended by
// this step, oldest first. A member that is not among the anomalies any more has ended. near tells whether two
// services are near each other; name gives the id of an incident that begins at a time.
func (t *Tracker) Step(now time.Time, anomalies []Anomaly, near func(a, b string) bool, name func(time.Time) string) []*Incident {
	t.update(anomalies)
	loose := t.loose(now, anomalies)
	var troubles, support []*Anomaly
	for _, a := range loose {
		if t.rules.trouble(a) {
			troubles = append(troubles, a)
		} else {
			support = append(support, a)
		}
	}
	all := slices.Clone(t.open)
	for _, set := range t.cluster(sorted(troubles), near) {
		if begun := t.place(set, near, name); begun != nil {
			all = append(all, begun)
		}
	}
	for _, a := range support {
		for _, i := range t.open {
			if t.touches(i, a, near) {
				i.add(a)
				break
			}
		}
	}
	t.end(now)
	return all
}

// update brings members up to date.
func (t *Tracker) update(anomalies []Anomaly) {
	latest := make(map[string]*Anomaly, len(anomalies))
	for i := range anomalies {
		latest[anomalies[i].ID] = &anomalies[i]
	}
	for _, i := range t.open {
		i.Changed = false
		for id, m := range i.Members {
			a := latest[id]
			switch {
			case a != nil && *a != m:
				i.add(a)
			case a == nil && m.End.IsZero():
				m.End = m.Last
				i.add(&m)
			}
		}
	}
}

// loose gives the fresh anomalies that belong to no open incident.
func (t *Tracker) loose(now time.Time, anomalies []Anomaly) []*Anomaly {
	var out []*Anomaly
	for i := range anomalies {
		a := &anomalies[i]
		taken := slices.ContainsFunc(t.open, func(i *Incident) bool { _, in := i.Members[a.ID]; return in })
		if !taken && t.rules.fresh(a, now) {
			out = append(out, a)
		}
	}
	return out
}

// cluster splits anomalies into the sets that belong together.
func (t *Tracker) cluster(all []*Anomaly, near func(a, b string) bool) [][]*Anomaly {
	var sets [][]*Anomaly
	placed := make([]bool, len(all))
	for first := range all {
		if placed[first] {
			continue
		}
		placed[first] = true
		set := []*Anomaly{all[first]}
		for next := 0; next < len(set); next++ {
			for i, a := range all {
				if !placed[i] && t.rules.belong(set[next], a, near) {
					placed[i] = true
					set = append(set, a)
				}
			}
		}
		sets = append(sets, set)
	}
	return sets
}

// place lets a set join the incidents that it touches, which become one, or makes an incident of it, which is returned.
func (t *Tracker) place(set []*Anomaly, near func(a, b string) bool, name func(time.Time) string) *Incident {
	var home, begun *Incident
	for _, i := range t.open {
		if !slices.ContainsFunc(set, func(a *Anomaly) bool { return t.touches(i, a, near) }) {
			continue
		}
		if home == nil {
			home = i
			continue
		}
		home.take(i)
	}
	if home == nil {
		if !t.rules.enough(set) {
			return nil
		}
		start := sorted(set)[0].Start
		begun = &Incident{ID: name(start), Start: start, Members: map[string]Anomaly{}}
		home = begun
		t.open = append(t.open, begun)
	}
	for _, a := range set {
		home.add(a)
	}
	t.open = slices.DeleteFunc(t.open, func(i *Incident) bool { return i.Into != "" })
	return begun
}

// touches tells whether an anomaly belongs to an incident.
func (t *Tracker) touches(i *Incident, a *Anomaly, near func(a, b string) bool) bool {
	for _, m := range i.Members {
		if t.rules.trouble(&m) && t.rules.belong(&m, a, near) {
			return true
		}
	}
	return false
}

// end closes the incidents that have been quiet.
func (t *Tracker) end(now time.Time) {
	for _, i := range t.open {
		last, going := i.Start, false
		for _, m := range i.Members {
			if !t.rules.trouble(&m) {
				continue
			}
			going = going || m.End.IsZero()
			if m.End.After(last) {
				last = m.End
			}
		}
		if !going && now.Sub(last) >= t.rules.Quiet {
			i.End, i.Changed = last, true
		}
	}
	t.open = slices.DeleteFunc(t.open, func(i *Incident) bool { return !i.End.IsZero() })
}

// add takes a in, or what it has become.
func (i *Incident) add(a *Anomaly) {
	i.Members[a.ID] = *a
	i.Changed = true
}

// take takes another incident in, which ends at its latest point.
func (i *Incident) take(other *Incident) {
	for _, m := range other.Members {
		i.add(&m)
		if m.Last.After(other.End) {
			other.End = m.Last
		}
	}
	other.Into, other.Changed = i.ID, true
}
