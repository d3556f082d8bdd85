package diagnosis

import (
	"cmp"
	"slices"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

// failingRatio is the share of errors from which a service is failing and not only degraded.
const failingRatio = 0.1

// scene is the state of every service, by name. It is replaced and never changed.
type scene []*diagnosisv1.ServiceState

// show works out the state of every service of the graph.
func (s *Service) show() {
	latest := s.history.latest()
	var next scene
	for _, n := range latest.raw.GetServices() {
		state := &diagnosisv1.ServiceState{Service: n.GetName()}
		if n.GetRed().GetRequests() > 0 {
			state.State = diagnosisv1.HealthState_HEALTH_STATE_HEALTHY
		}
		for _, open := range s.tracker.Open() {
			if f := s.cases[open.ID]; f != nil {
				f.mark(state)
			}
		}
		next = append(next, state)
	}
	slices.SortFunc(next, func(a, b *diagnosisv1.ServiceState) int { return cmp.Compare(a.GetService(), b.GetService()) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scene = next
}

// mark lets an incident worsen the state of a service that it befalls: by an open anomaly of failures or durations, or
// as the most probable cause.
func (f *file) mark(state *diagnosisv1.ServiceState) {
	worsen := func(to diagnosisv1.HealthState, reason string) {
		if to > state.State {
			state.State, state.Reason, state.IncidentId = to, reason, f.group.ID
		}
	}
	for _, a := range f.strongest() {
		m := member(a)
		if m.Service != state.GetService() || !m.Up || !m.End.IsZero() {
			continue
		}
		switch m.Symptom.Family() {
		case cause.Errors:
			worsen(health(a), statement(a))
		case cause.Slow, cause.Fanout, cause.Roots:
			worsen(diagnosisv1.HealthState_HEALTH_STATE_DEGRADED, statement(a))
		}
	}
	if len(f.causes) > 0 && f.causes[0].GetService() == state.GetService() && f.causes[0].GetConfidence() >= 0.5 {
		worsen(diagnosisv1.HealthState_HEALTH_STATE_DEGRADED, headline(f.causes[0]))
	}
}

func health(a *anomalyv1.Anomaly) diagnosisv1.HealthState {
	if a.GetValue() >= failingRatio {
		return diagnosisv1.HealthState_HEALTH_STATE_FAILING
	}
	return diagnosisv1.HealthState_HEALTH_STATE_DEGRADED
}

// states gives the state of every service, by name; it is not to be changed.
func (s *Service) states() scene {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scene
}
