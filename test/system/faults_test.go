package system

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// healthyTime is how long the shop runs without a fault: as long as an incident may take to come.
	healthyTime = 90 * time.Second
	// diagnosisTime bounds the time from the fault to the incident that names it.
	diagnosisTime = 90 * time.Second
)

// TestTheServiceAtFaultIsNamed runs the shop healthy, then breaks it, in one process for each kind of fault.
func TestTheServiceAtFaultIsNamed(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"slow-leaf", "failing-service", "retry-storm", "saturation"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := startAll(t, folder(t, "data"))
			diagnose(t, s, startShop(t, s), fault, func() {})
		})
	}
}

// diagnose wants no incident while the shop is healthy, and the right one once it is not. between is called when the
// fault is about to begin.
func diagnose(t *testing.T, s *system, shop *shop, fault string, between func()) {
	t.Helper()
	for healthy := time.Now().Add(healthyTime); time.Now().Before(healthy); {
		require.Empty(t, s.incidents(), "without a fault there is no incident")
		wait(t, time.Second)
	}
	between()
	target, begin := shop.breakWith(fault), time.Now()
	require.NotEmpty(t, target)
	var found incident
	s.front.await(diagnosisTime, "incident that names "+target, func() bool {
		found = incident{}
		for _, i := range s.incidents() {
			var full struct{ Incident incident }
			require.Equal(t, http.StatusOK, s.get("/api/v1/incidents/"+i.ID, &full))
			if named(full.Incident, target) {
				found = full.Incident
				return true
			}
		}
		return false
	})
	t.Logf("%s: %q with confidence %.2f after %v", fault, found.Title, found.Causes[0].Confidence, time.Since(begin).Round(time.Second))
	require.Len(t, s.incidents(), 1, "one fault is one incident")
	s.readable(found)
}

// named says whether the first cause is the service, with a trace and a series as evidence.
func named(i incident, service string) bool {
	if len(i.Causes) == 0 || i.Causes[0].Service != service {
		return false
	}
	traces, series := 0, 0
	for _, e := range i.Causes[0].Evidence {
		if e.Trace != nil {
			traces++
		}
		if e.Series != nil {
			series++
		}
	}
	return traces > 0 && series > 0
}

// readable follows the evidence: each trace is there, and has a critical path.
func (s *system) readable(i incident) {
	s.t.Helper()
	for _, e := range i.Causes[0].Evidence {
		if e.Trace == nil {
			continue
		}
		var path struct{ Segments []struct{ SpanID string } }
		require.Equal(s.t, http.StatusOK, s.get("/api/v1/traces/"+e.Trace.TraceID, nil))
		require.Equal(s.t, http.StatusOK, s.get("/api/v1/traces/"+e.Trace.TraceID+"/critical-path", &path))
		require.NotEmpty(s.t, path.Segments)
	}
}

// wait lets time pass in which something must not happen.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		require.NoError(t, t.Context().Err())
	}
}
