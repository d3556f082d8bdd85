package ingestion

import (
	"fmt"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
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
	s.report(fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_CRASH, Kind: fault.Unreachable, Subject: s.owner(),
		Text: fmt.Sprintf("batch not taken: %v", err),
	})
}

// invalid reports that a service sent what it may not.
func (s *stream) invalid(service string, items int, text string) {
	s.report(fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_RESPONSE, Kind: fault.Validation, Subject: service, Items: uint64(items), Text: text,
	})
}

func (s *stream) report(f fault.Finding) {
	f.Signal = handoffv1.Signal(s.signal) + 1
	s.faults.Report(s.now(), f)
}

// owner is the service that a signal belongs to.
func (s *stream) owner() string { return [...]string{"assembly", "logs", "anomaly"}[s.signal] }

// destination tells how far the owner of the signal has come.
func (s *stream) destination() *ingestionv1.Destination {
	mark, pump := s.log.Marks()[0], s.pump.Stats()
	return &ingestionv1.Destination{
		Name: s.owner(), Signal: handoffv1.Signal(s.signal) + 1, Done: mark.ReleasedTotal, BehindItems: mark.Weight, BehindBytes: uint64(mark.Bytes),
		Dropped: s.dropped.Load(), Retries: pump.Retries,
	}
}
