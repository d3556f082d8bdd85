package meter

import (
	"math"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/triflow/triflow/services/anomaly/internal/detect"
)

// Reading is one point of a series. Readings of one OTLP point share Labels.
type Reading struct {
	Name   string
	Labels map[string]string
	Kind   detect.Kind
	At     int64 // Unix ns
	Value  float64
	Weight float64 // observations behind it; 0: not known
}

// Meter remembers the last point of each stream. It belongs to one goroutine at a time.
type Meter struct {
	limit   int
	streams map[string]*stream
}

// New makes a meter that remembers at most limit streams.
func New(limit int) *Meter { return &Meter{limit: limit, streams: map[string]*stream{}} }

// Forget drops the streams whose last point is before the time, in Unix ns.
func (m *Meter) Forget(before int64) {
	for key, s := range m.streams {
		if s.at < before {
			delete(m.streams, key)
		}
	}
}

// Read gives the readings of req; how many points it only noted, for the next ones to be measured by; and how many it ignored:
// without a value or a time, later than latest (Unix ns), late, with labels beyond the bounds, of a stream beyond the
// limit, or under a name that is Triflow's own.
func (m *Meter) Read(req *collectorv1.ExportMetricsServiceRequest, latest int64) (readings []Reading, noted, ignored int) {
	r := reader{meter: m, latest: latest}
	for _, resource := range req.GetResourceMetrics() {
		r.resource = resource.GetResource().GetAttributes()
		for _, scope := range resource.GetScopeMetrics() {
			for _, metric := range scope.GetMetrics() {
				r.metric = metric
				r.read()
			}
		}
	}
	return r.readings, r.noted, r.ignored
}

// reader goes through one request.
type reader struct {
	meter    *Meter
	latest   int64
	resource []*commonv1.KeyValue
	metric   *metricsv1.Metric
	readings []Reading
	noted    int
	ignored  int
}

func (r *reader) read() {
	switch data := r.metric.GetData().(type) {
	case *metricsv1.Metric_Gauge:
		r.numbers(data.Gauge.GetDataPoints(), level)
	case *metricsv1.Metric_Sum:
		r.numbers(data.Sum.GetDataPoints(), sumShape(data.Sum))
	case *metricsv1.Metric_Histogram:
		for _, p := range data.Histogram.GetDataPoints() {
			r.distribution(p, data.Histogram.GetAggregationTemporality(), counts{
				count: float64(p.GetCount()), sum: p.GetSum(), hasSum: p.Sum != nil,
				bounds: p.GetExplicitBounds(), buckets: floats(p.GetBucketCounts()),
			})
		}
	case *metricsv1.Metric_ExponentialHistogram:
		for _, p := range data.ExponentialHistogram.GetDataPoints() {
			r.distribution(p, data.ExponentialHistogram.GetAggregationTemporality(),
				counts{count: float64(p.GetCount()), sum: p.GetSum(), hasSum: p.Sum != nil})
		}
	case *metricsv1.Metric_Summary:
		for _, p := range data.Summary.GetDataPoints() {
			r.distribution(p, metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
				counts{count: float64(p.GetCount()), sum: p.GetSum(), hasSum: true})
		}
	}
}

// shape says what a number is.
type shape int

const (
	level      shape = iota // the value itself
	cumulative              // a total since the start
	delta                   // what was added since the start
)

func sumShape(s *metricsv1.Sum) shape {
	switch {
	case s.GetAggregationTemporality() == metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA:
		return delta
	case s.GetIsMonotonic():
		return cumulative
	}
	return level
}

func (r *reader) numbers(points []*metricsv1.NumberDataPoint, as shape) {
	for _, p := range points {
		value := p.GetAsDouble()
		if v, ok := p.GetValue().(*metricsv1.NumberDataPoint_AsInt); ok {
			value = float64(v.AsInt)
		}
		s, labels := r.stream(p)
		if s == nil || p.GetValue() == nil || math.IsNaN(value) || math.IsInf(value, 0) {
			r.ignored++
			continue
		}
		if as == level {
			s.at = int64(p.GetTimeUnixNano())
			r.give(Reading{Name: r.metric.GetName(), Labels: labels, Kind: kindOfLevel(r.metric), At: s.at, Value: value})
			continue
		}
		grown, seconds := s.advance(p, as, counts{count: value})
		if seconds <= 0 {
			r.noted++
		} else {
			r.give(Reading{Name: r.metric.GetName(), Labels: labels, Kind: detect.Shown, At: s.at, Value: grown.count / seconds})
		}
	}
}

func (r *reader) distribution(p point, temporality metricsv1.AggregationTemporality, c counts) {
	s, labels := r.stream(p)
	if s == nil || !c.valid() {
		r.ignored++
		return
	}
	as := cumulative
	if temporality == metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
		as = delta
	}
	grown, seconds := s.advance(p, as, c)
	if seconds <= 0 {
		r.noted++
		return
	}
	unit, kind := 1.0, detect.Shown
	if seconds, ok := secondsOf(r.metric.GetUnit()); ok {
		unit, kind = seconds, detect.Duration
	}
	name := r.metric.GetName()
	r.give(Reading{Name: name + ".rate", Labels: labels, Kind: detect.Shown, At: s.at, Value: grown.count / seconds, Weight: grown.count})
	if grown.count > 0 && grown.hasSum {
		r.give(Reading{Name: name + ".mean", Labels: labels, Kind: detect.Shown, At: s.at, Value: grown.sum / grown.count * unit, Weight: grown.count})
	}
	if q, ok := grown.quantile(0.9); ok {
		r.give(Reading{Name: name + ".p90", Labels: labels, Kind: kind, At: s.at, Value: q * unit, Weight: grown.count})
	}
}

func (r *reader) give(x Reading) {
	if math.IsNaN(x.Value) || math.IsInf(x.Value, 0) {
		return
	}
	r.readings = append(r.readings, x)
}
