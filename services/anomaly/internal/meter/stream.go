package meter

import (
	"slices"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// point is what all data points of OTLP have.
type point interface {
	GetAttributes() []*commonv1.KeyValue
	GetStartTimeUnixNano() uint64
	GetTimeUnixNano() uint64
	GetFlags() uint32
}

// stream is the past of one metric with one set of labels. Times are Unix ns.
type stream struct {
	start int64
	at    int64 // of the last point; 0 before the first
	total counts
}

// stream gives the stream of p with its labels, or nil if p is to be ignored.
func (r *reader) stream(p point) (*stream, map[string]string) {
	const noValue = uint32(metricsv1.DataPointFlags_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)
	at := p.GetTimeUnixNano()
	if at == 0 || at > uint64(r.latest) || p.GetFlags()&noValue != 0 {
		return nil, nil
	}
	labels, key, ok := identify(r.metric.GetName(), r.resource, p.GetAttributes())
	if !ok {
		return nil, nil
	}
	s := r.meter.streams[key]
	if s == nil {
		if len(r.meter.streams) >= r.meter.limit {
			return nil, nil
		}
		s = &stream{}
		r.meter.streams[key] = s
	}
	if int64(at) <= s.at {
		return nil, nil
	}
	return s, labels
}

// advance moves the stream on to p and gives what was added, and in how many seconds; 0 seconds if that is not known.
func (s *stream) advance(p point, as shape, c counts) (grown counts, seconds float64) {
	last, start, at := *s, int64(p.GetStartTimeUnixNano()), int64(p.GetTimeUnixNano())
	s.start, s.at = start, at
	if as == delta {
		from := start
		if from <= 0 || from >= at {
			from = last.at
		}
		if from == 0 {
			return counts{}, 0
		}
		return c, float64(at-from) / 1e9
	}
	s.total = c
	grown, ok := c.since(last.total)
	if last.at == 0 || start > last.start || !ok {
		return counts{}, 0
	}
	return grown, float64(at-last.at) / 1e9
}

// counts are the numbers of a distribution; of a plain sum only count is used.
type counts struct {
	count, sum float64
	hasSum     bool
	bounds     []float64 // upper ones of all buckets but the last
	buckets    []float64
}

// valid tells that the buckets fit their bounds, which rise.
func (c counts) valid() bool {
	return len(c.buckets) == 0 || len(c.buckets) == len(c.bounds)+1 && slices.IsSorted(c.bounds)
}

// since gives what c has more than before; false if something fell or the buckets are others.
func (c counts) since(before counts) (counts, bool) {
	if c.count < before.count || !slices.Equal(c.bounds, before.bounds) || len(c.buckets) != len(before.buckets) {
		return counts{}, false
	}
	grown := counts{count: c.count - before.count, sum: c.sum - before.sum, hasSum: c.hasSum && before.hasSum, bounds: c.bounds}
	grown.buckets = make([]float64, len(c.buckets))
	for i := range c.buckets {
		if grown.buckets[i] = c.buckets[i] - before.buckets[i]; grown.buckets[i] < 0 {
			return counts{}, false
		}
	}
	return grown, true
}

// quantile gives the q-quantile of values that are not negative, as if they lay evenly in their bucket; one in the last
// bucket is told as its lower bound. It is false without buckets or observations.
func (c counts) quantile(q float64) (float64, bool) {
	all := 0.0
	for _, n := range c.buckets {
		all += n
	}
	if all <= 0 || len(c.bounds) == 0 || c.bounds[0] < 0 {
		return 0, false
	}
	below := 0.0
	for i, n := range c.buckets[:len(c.bounds)] {
		if below+n < q*all {
			below += n
			continue
		}
		low := 0.0
		if i > 0 {
			low = c.bounds[i-1]
		}
		return low + (c.bounds[i]-low)*(q*all-below)/n, true
	}
	return c.bounds[len(c.bounds)-1], true
}

func floats(in []uint64) []float64 {
	out := make([]float64, len(in))
	for i, n := range in {
		out[i] = float64(n)
	}
	return out
}
