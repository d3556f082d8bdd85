package policy

import (
	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/threshold"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// Fault is one thing that is wrong with a message.
type Fault struct {
	// Path of the field, from the message on: "policies[2].latency.min".
	Path string
	// What came and what is wanted.
	Text string
}

// Facts is what is known of a trace, read from its message.
type Facts struct {
	// Trace is its id.
	Trace id.Trace
	// Randomness is R, from tracestate or the trace id.
	Randomness threshold.Randomness
	// Incoming is the threshold that the trace has passed already; 0 when it came without one.
	Incoming threshold.Threshold

	message *samplingv1.TraceFacts
}

// ReadFacts reads the ids and the sampling state of m, and keeps a reference to it.
func ReadFacts(m *samplingv1.TraceFacts) (Facts, []Fault) {
	f := Facts{message: m}
	var faults []Fault
	check := func(path string, err error) {
		if err != nil {
			faults = append(faults, Fault{path, err.Error()})
		}
	}
	var err error
	f.Trace, err = id.ParseTrace(m.GetTraceId())
	check("trace_id", err)
	f.Randomness = threshold.OfTrace(f.Trace)
	if rv := m.GetRandomness(); rv != "" {
		f.Randomness, err = threshold.ParseRandomness(rv)
		check("randomness", err)
	}
	if th := m.GetIncomingThreshold(); th != "" {
		f.Incoming, err = threshold.Parse(th)
		check("incoming_threshold", err)
	}
	return f, faults
}

// values gives the values of the attribute that the trace carries.
func (f Facts) values(key string) []string {
	for _, a := range f.message.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValues()
		}
	}
	return nil
}
