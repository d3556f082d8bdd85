package cause

import "strings"

// The series that assembly makes; see anomaly.proto.
const (
	RequestRate  = "service.request.rate"
	ErrorRatio   = "service.error.ratio"
	Latency      = "service.latency.p90"
	SelfTime     = "service.self_time.p90"
	OwnError     = "service.own_error.ratio"
	RootRatio    = "service.root.ratio"
	EdgeRate     = "edge.request.rate"
	EdgeError    = "edge.error.ratio"
	EdgeLatency  = "edge.latency.p90"
	EdgeFanout   = "edge.fanout"
	TemplateRate = "log.template.rate"
	// Utilization stands for every metric of a service whose name ends in ".utilization".
	Utilization = "utilization"
)

// Symptom is that a series rises above its past: its name, the service it speaks of and, for an edge, the client. For
// an edge the service it speaks of is the server.
type Symptom struct{ Series, Client, Server string }

// Family gathers symptoms that measure the same thing at the same place.
type Family int

// The families. Other and Load are no trouble by themselves.
const (
	Other  Family = iota
	Load          // requests, use of a resource
	Slow          // durations
	Errors        // shares of failures
	Fanout        // calls for each request
	Roots         // shares of requests that start a trace
)

// SymptomOf gives the symptom that a series stands for, if the model knows the series.
func SymptomOf(name string, labels map[string]string) (Symptom, bool) {
	switch name {
	case RequestRate, ErrorRatio, Latency, SelfTime, OwnError, RootRatio:
		return Symptom{Series: name, Server: labels["service"]}, labels["service"] != ""
	case EdgeRate, EdgeError, EdgeLatency, EdgeFanout:
		return Symptom{name, labels["client"], labels["server"]}, labels["client"] != "" && labels["server"] != ""
	}
	if strings.HasSuffix(name, ".utilization") {
		return Symptom{Series: Utilization, Server: labels["service"]}, labels["service"] != ""
	}
	return Symptom{}, false
}

// Family tells what is measured.
func (s Symptom) Family() Family {
	switch s.Series {
	case Latency, SelfTime, EdgeLatency:
		return Slow
	case ErrorRatio, OwnError, EdgeError:
		return Errors
	case EdgeFanout:
		return Fanout
	case RootRatio:
		return Roots
	case RequestRate, EdgeRate, Utilization:
		return Load
	}
	return Other
}
