package meter

import (
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"

	"github.com/triflow/triflow/services/anomaly/internal/detect"
)

// Reading is one point of a series. Readings of one OTLP point share Labels, also with their stream.
type Reading struct {
	Name   string
	Labels map[string]string
	Kind   detect.Kind
	At     int64 // Unix ns
	Value  float64
	Weight float64 // observations behind it; 0: not known
}

// Meter remembers the streams. It belongs to one goroutine at a time.
type Meter struct {
	limits  Limits
	streams map[string]*Stream
	order   uint64
}

// Limits bounds a Meter.
type Limits struct {
	Streams int // points of further ones are ignored
	Points  int // kept of each; at least 1
}

// New makes a meter without streams.
func New(limits Limits) *Meter { return &Meter{limits: limits, streams: map[string]*Stream{}} }

// Forget drops the streams whose last point is before the time, in Unix ns.
func (m *Meter) Forget(before int64) {
	for key, s := range m.streams {
		if s.last() < before {
			delete(m.streams, key)
		}
	}
}

// All calls yield with each stream, in no order, until it returns false.
func (m *Meter) All(yield func(*Stream) bool) {
	for _, s := range m.streams {
		if !yield(s) {
			return
		}
	}
}

// Read gives the readings of req; how many points it only noted in their streams; and how many it ignored: known already
// or too late, without a value or a time, later than latest (Unix ns), with labels beyond the bounds, of a stream beyond
// the limit, or under a name that is Triflow's own.
func (m *Meter) Read(req *collectorv1.ExportMetricsServiceRequest, latest int64) (readings []Reading, noted, ignored int) {
	r := reader{meter: m, latest: latest}
	for _, resource := range req.GetResourceMetrics() {
		r.resource = resource.GetResource().GetAttributes()
		for _, scope := range resource.GetScopeMetrics() {
			for _, metric := range scope.GetMetrics() {
				r.read(scope.GetScope().GetName(), metric)
			}
		}
	}
	return r.readings, r.noted, r.ignored
}

// stream gives that with the identity and labels, made if there is room; else nil.
func (m *Meter) stream(key string, of Identity, labels map[string]string) *Stream {
	s := m.streams[key]
	if s == nil && len(m.streams) < m.limits.Streams {
		m.order++
		s = &Stream{Identity: of, Labels: labels, Order: m.order, history: history{keep: m.limits.Points}}
		m.streams[key] = s
	}
	return s
}
