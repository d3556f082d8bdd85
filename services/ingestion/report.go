package ingestion

import (
	"fmt"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
)

// mostFaults is how many faults are remembered.
const mostFaults = 1000

// openFaults makes the registry that all detectors report to; a fault that was not known is a line in the log.
func openFaults(deps Deps) *fault.Registry {
	return fault.NewRegistry(mostFaults, func(f fault.Finding, first bool) {
		if first {
			deps.Log.Warn("fault found", "fault.class", f.Class.String(), "fault.kind", f.Kind, "fault.subject", f.Subject,
				"signal", f.Signal.String(), "exception.message", f.Text)
		}
	})
}

// unreachable reports that a receiver did not take a batch.
func (s *stream) unreachable(err error) {
	s.door.faults.Report(s.door.deps.Now(), fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_CRASH, Kind: fault.Unreachable, Subject: s.owner(), Signal: signalOf(s.signal),
		Text: fmt.Sprintf("batch not taken: %v", err),
	})
}

// owner is the service that a signal belongs to.
func (s *stream) owner() string { return [...]string{"assembly", "logs", "anomaly"}[s.signal] }

// destination tells how far the owner of the signal has come.
func (s *stream) destination() *ingestionv1.Destination {
	d := &ingestionv1.Destination{Name: s.owner(), Signal: signalOf(s.signal), Retries: s.pump.Stats().Retries}
	s.account.destination(d, 0)
	return d
}
