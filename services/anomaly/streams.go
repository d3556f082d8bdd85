package anomaly

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/page"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	"github.com/triflow/triflow/services/anomaly/internal/meter"
)

// metricQuery selects streams of OTLP metrics; a zero field selects all.
type metricQuery struct {
	name, service string
	from, to      time.Time
	limit         int
	after         place
}

// place is where a stream stands in the list of all: by name, then by the order in which they came first.
type place struct {
	name  string
	order uint64 // from 1
}

func placeOf(s *meter.Stream) place { return place{s.Name, s.Order} }

func (p place) compare(q place) int {
	return cmp.Or(strings.Compare(p.name, q.name), cmp.Compare(p.order, q.order))
}

// String is the cursor of a page that ends with p.
func (p place) String() string { return strconv.FormatUint(p.order, 10) + " " + p.name }

func parsePlace(cursor string) (place, error) {
	if cursor == "" {
		return place{}, nil
	}
	order, name, found := strings.Cut(cursor, " ")
	n, err := strconv.ParseUint(order, 10, 64)
	if err != nil || !found {
		return place{}, page.ErrToken
	}
	return place{name, n}, nil
}

// metricStreams gives a page of streams, and the cursor of the next, empty on the last.
func (s *Service) metricStreams(q metricQuery) (rows []*anomalyv1.MetricStream, next string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*meter.Stream
	for m := range s.meter.All {
		if (q.name == "" || m.Name == q.name) && (q.service == "" || m.Labels["service"] == q.service) && placeOf(m).compare(q.after) > 0 {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b *meter.Stream) int { return placeOf(a).compare(placeOf(b)) })
	if len(found) > q.limit {
		found = found[:q.limit]
		next = placeOf(found[q.limit-1]).String()
	}
	for _, m := range found {
		rows = append(rows, q.row(m))
	}
	return rows, next
}

func (q metricQuery) row(m *meter.Stream) *anomalyv1.MetricStream {
	out := &anomalyv1.MetricStream{
		Name: m.Name, Labels: m.Labels, Scope: m.Scope, Unit: m.Unit, Monotonic: m.Monotonic,
		Type: metricTypes[m.Type], Temporality: temporality(m), Figures: figures(m),
	}
	for _, p := range m.Points {
		at := time.Unix(0, p.At)
		if (q.from.IsZero() || !at.Before(q.from)) && (q.to.IsZero() || at.Before(q.to)) {
			out.Points = append(out.Points, metricPoint(m.Identity, p))
		}
	}
	return out
}

var metricTypes = [...]anomalyv1.MetricType{
	meter.Gauge:                anomalyv1.MetricType_METRIC_TYPE_GAUGE,
	meter.Sum:                  anomalyv1.MetricType_METRIC_TYPE_SUM,
	meter.Histogram:            anomalyv1.MetricType_METRIC_TYPE_HISTOGRAM,
	meter.ExponentialHistogram: anomalyv1.MetricType_METRIC_TYPE_EXPONENTIAL_HISTOGRAM,
	meter.Summary:              anomalyv1.MetricType_METRIC_TYPE_SUMMARY,
}

func temporality(m *meter.Stream) anomalyv1.Temporality {
	switch {
	case m.Type == meter.Gauge:
		return anomalyv1.Temporality_TEMPORALITY_UNSPECIFIED
	case m.Delta:
		return anomalyv1.Temporality_TEMPORALITY_DELTA
	}
	return anomalyv1.Temporality_TEMPORALITY_CUMULATIVE
}

func figures(m *meter.Stream) *anomalyv1.StreamFigures {
	f := m.Figures
	out := &anomalyv1.StreamFigures{
		FiniteCount: f.Finite, NonFiniteCount: f.NonFinite, Gaps: f.Gaps, Resets: f.Resets, Duplicates: f.Duplicates, Late: f.Late,
	}
	if f.Finite > 0 && m.Numbers() {
		out.FiniteMean = &f.Mean
	}
	for q, field := range map[float64]**float64{0.5: &out.P50, 0.9: &out.P90, 0.99: &out.P99} {
		if v, ok := m.Quantile(q); ok {
			*field = &v
		}
	}
	return out
}

func metricPoint(of meter.Identity, p meter.Point) *anomalyv1.MetricPoint {
	out := &anomalyv1.MetricPoint{Time: timestamppb.New(time.Unix(0, p.At)), Marks: marks(p)}
	if p.Start != 0 {
		out.StartTime = timestamppb.New(time.Unix(0, p.Start))
	}
	switch {
	case p.Gap:
	case !of.Numbers():
		out.Count = &p.Count
		if p.HasSum {
			out.Sum = &p.Sum
		}
	case p.Number.IsInt:
		out.Value = &anomalyv1.MetricPoint_AsInt{AsInt: p.Number.Int}
	default:
		out.Value = &anomalyv1.MetricPoint_AsDouble{AsDouble: p.Number.Double}
	}
	if p.HasAdded {
		out.DeltaCount = &p.AddedCount
	}
	if p.HasAddedSum {
		out.DeltaSum = &p.AddedSum
	}
	return out
}

func marks(p meter.Point) (out []anomalyv1.PointMark) {
	for _, m := range []struct {
		is   bool
		mark anomalyv1.PointMark
	}{
		{p.Gap, anomalyv1.PointMark_POINT_MARK_GAP},
		{p.NonFinite, anomalyv1.PointMark_POINT_MARK_NON_FINITE},
		{p.First, anomalyv1.PointMark_POINT_MARK_FIRST},
		{p.Reset, anomalyv1.PointMark_POINT_MARK_RESET},
	} {
		if m.is {
			out = append(out, m.mark)
		}
	}
	return out
}
