package meter

import (
	"cmp"
	"slices"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/triflow/triflow/services/anomaly/internal/delta"
	"github.com/triflow/triflow/services/anomaly/internal/detect"
	"github.com/triflow/triflow/services/anomaly/internal/histogram"
)

// reader goes through one request.
type reader struct {
	meter    *Meter
	latest   int64
	resource []*commonv1.KeyValue
	of       Identity
	key      string // of it
	readings []Reading
	noted    int
	ignored  int
}

// read takes in one metric, its points by time: within one request their order says nothing.
func (r *reader) read(scope string, m *metricsv1.Metric) {
	const ofInterval = metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	r.of = Identity{Name: m.GetName(), Unit: m.GetUnit(), Scope: scope}
	switch data := m.GetData().(type) {
	case *metricsv1.Metric_Gauge:
		points(r, data.Gauge.GetDataPoints(), r.number)
	case *metricsv1.Metric_Sum:
		r.of.Type, r.of.Delta, r.of.Monotonic = Sum, data.Sum.GetAggregationTemporality() == ofInterval, data.Sum.GetIsMonotonic()
		points(r, data.Sum.GetDataPoints(), r.number)
	case *metricsv1.Metric_Histogram:
		r.of.Type, r.of.Delta = Histogram, data.Histogram.GetAggregationTemporality() == ofInterval
		points(r, data.Histogram.GetDataPoints(), func(s *Stream, at Point, p *metricsv1.HistogramDataPoint) {
			r.distribution(s, at, explicit(p))
		})
	case *metricsv1.Metric_ExponentialHistogram:
		r.of.Type, r.of.Delta = ExponentialHistogram, data.ExponentialHistogram.GetAggregationTemporality() == ofInterval
		points(r, data.ExponentialHistogram.GetDataPoints(), func(s *Stream, at Point, p *metricsv1.ExponentialHistogramDataPoint) {
			r.distribution(s, at, exponential(p))
		})
	case *metricsv1.Metric_Summary:
		r.of.Type = Summary
		points(r, data.Summary.GetDataPoints(), func(s *Stream, at Point, p *metricsv1.SummaryDataPoint) {
			r.distribution(s, at, histogram.Distribution{Count: p.GetCount(), Sum: p.GetSum(), HasSum: true})
		})
	}
}

// dataPoint is a point of any type, with its attributes.
type dataPoint interface {
	comparable
	point
	GetAttributes() []*commonv1.KeyValue
}

// points finds the stream of each point, sorts out those that are to be ignored, notes gaps and gives the rest to take.
func points[P dataPoint](r *reader, all []P, take func(*Stream, Point, P)) {
	byTime := func(a, b P) int { return cmp.Compare(a.GetTimeUnixNano(), b.GetTimeUnixNano()) }
	if !slices.IsSortedFunc(all, byTime) {
		all = slices.Clone(all) // they stay the caller's
		slices.SortStableFunc(all, byTime)
	}
	if !named(r.of.Name) {
		r.ignored += len(all)
		return
	}
	r.key = r.of.key()
	for _, p := range all {
		at := begin(p)
		var s *Stream
		if at.At > 0 && at.At <= r.latest {
			s = r.stream(p.GetAttributes())
		}
		if s == nil || !s.admits(at) {
			r.ignored++
			continue
		}
		if at.Gap {
			s.note(at)
			r.noted++
			continue
		}
		take(s, at, p)
	}
}

// stream gives the stream of a point, nil if there is none to be had.
func (r *reader) stream(attributes []*commonv1.KeyValue) *Stream {
	labels, key, ok := identify(r.resource, attributes)
	if !ok {
		return nil
	}
	return r.meter.stream(r.key+key, r.of, labels)
}

func (r *reader) number(s *Stream, at Point, p *metricsv1.NumberDataPoint) {
	at.Number = delta.Number{Double: p.GetAsDouble()}
	switch v := p.GetValue().(type) {
	case nil:
		r.ignored++
		return
	case *metricsv1.NumberDataPoint_AsInt:
		at.Number = delta.Number{Int: v.AsInt, IsInt: true}
	}
	switch value := at.Number.Float(); {
	case !finite(value):
		at.NonFinite = true
		s.note(at)
		r.noted++
	case r.of.level():
		late := at.At <= s.last()
		s.note(at)
		r.give(s, !late, Reading{Name: r.of.Name, Kind: kindOfLevel(r.of.Name), At: at.At, Value: value})
	default:
		g, taken := s.number(at, at.Number)
		if !taken {
			r.ignored++
			return
		}
		r.give(s, g.seconds > 0, Reading{Name: r.of.Name, Kind: detect.Shown, At: at.At, Value: g.added.Float() / g.seconds})
	}
}

func (r *reader) distribution(s *Stream, at Point, d histogram.Distribution) {
	g, taken := s.distribution(at, d.Usable())
	if !taken {
		r.ignored++
		return
	}
	unit, kind := 1.0, detect.Shown
	if seconds, ok := secondsOf(r.of.Unit); ok {
		unit, kind = seconds, detect.Duration
	}
	name, count := r.of.Name, float64(g.added.Count)
	r.give(s, g.seconds > 0, Reading{Name: name + ".rate", Kind: detect.Shown, At: at.At, Value: count / g.seconds, Weight: count})
	if g.seconds <= 0 || count == 0 {
		return
	}
	if mean := g.added.Sum / count * unit; g.added.HasSum && finite(mean) {
		r.give(s, true, Reading{Name: name + ".mean", Kind: detect.Shown, At: at.At, Value: mean, Weight: count})
	}
	if q, ok := g.added.Quantile(0.9); ok {
		r.give(s, true, Reading{Name: name + ".p90", Kind: kind, At: at.At, Value: q * unit, Weight: count})
	}
}

// give adds a reading if there is one to be had of the point, which else is noted.
func (r *reader) give(s *Stream, is bool, x Reading) {
	if !is || !finite(x.Value) {
		r.noted++
		return
	}
	x.Labels = s.Labels
	r.readings = append(r.readings, x)
}

func explicit(p *metricsv1.HistogramDataPoint) histogram.Distribution {
	return histogram.Distribution{
		Count: p.GetCount(), Sum: p.GetSum(), HasSum: p.Sum != nil,
		Explicit: histogram.Explicit{Bounds: p.GetExplicitBounds(), Counts: p.GetBucketCounts()},
	}
}

func exponential(p *metricsv1.ExponentialHistogramDataPoint) histogram.Distribution {
	side := func(b *metricsv1.ExponentialHistogramDataPoint_Buckets) histogram.Side {
		return histogram.Side{Offset: int(b.GetOffset()), Counts: b.GetBucketCounts()}
	}
	return histogram.Distribution{
		Count: p.GetCount(), Sum: p.GetSum(), HasSum: p.Sum != nil,
		Exponential: histogram.Exponential{
			Scale: int(p.GetScale()), Zero: p.GetZeroCount(), ZeroThreshold: p.GetZeroThreshold(),
			Positive: side(p.GetPositive()), Negative: side(p.GetNegative()),
		},
	}
}
