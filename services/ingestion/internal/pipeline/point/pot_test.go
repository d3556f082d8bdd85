package point_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/point"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

func raw(t require.TestingT, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	return b
}

// merge makes one of points of a kind, all of which must fit, and reads it into out.
func merge[M proto.Message](t require.TestingT, out M, how point.How, points ...M) M {
	kind := record.Sum
	switch any(out).(type) {
	case *metricsv1.HistogramDataPoint:
		kind = record.Histogram
	case *metricsv1.ExponentialHistogramDataPoint:
		kind = record.ExponentialHistogram
	}
	var p point.Pot
	require.True(t, p.Reset(kind, how, raw(t, points[0])))
	for _, next := range points[1:] {
		require.True(t, p.Add(raw(t, next)))
	}
	require.NoError(t, proto.Unmarshal(p.Append(nil), out))
	return out
}

func whole(n int64) *metricsv1.NumberDataPoint {
	return &metricsv1.NumberDataPoint{StartTimeUnixNano: 5, TimeUnixNano: 9, Value: &metricsv1.NumberDataPoint_AsInt{AsInt: n}}
}

func real(v float64) *metricsv1.NumberDataPoint {
	return &metricsv1.NumberDataPoint{StartTimeUnixNano: 4, TimeUnixNano: 9, Value: &metricsv1.NumberDataPoint_AsDouble{AsDouble: v}}
}

func TestNumbersComeToWhatWasAskedFor(t *testing.T) {
	gone := &metricsv1.NumberDataPoint{StartTimeUnixNano: 3, TimeUnixNano: 9, Flags: 1}
	for name, c := range map[string]struct {
		how    point.How
		points []*metricsv1.NumberDataPoint
		want   *metricsv1.NumberDataPoint
	}{
		"sum":                     {point.Sum, []*metricsv1.NumberDataPoint{whole(1), whole(-3), whole(7)}, whole(5)},
		"sum that does not fit":   {point.Sum, []*metricsv1.NumberDataPoint{whole(math.MaxInt64), whole(1)}, real(math.MaxInt64 + 1.0)},
		"negative that does not":  {point.Sum, []*metricsv1.NumberDataPoint{whole(math.MinInt64), whole(-1)}, real(math.MinInt64 - 1.0)},
		"sum of both kinds":       {point.Sum, []*metricsv1.NumberDataPoint{whole(1), real(0.5)}, real(1.5)},
		"last":                    {point.Last, []*metricsv1.NumberDataPoint{whole(3), whole(1), whole(2)}, whole(2)},
		"min":                     {point.Min, []*metricsv1.NumberDataPoint{whole(3), whole(1), whole(2)}, whole(1)},
		"max":                     {point.Max, []*metricsv1.NumberDataPoint{whole(3), real(3.5), whole(2)}, real(3.5)},
		"mean":                    {point.Mean, []*metricsv1.NumberDataPoint{whole(1), whole(2), whole(6)}, real(3)},
		"what is not recorded":    {point.Mean, []*metricsv1.NumberDataPoint{gone, whole(1), gone, whole(2)}, real(1.5)},
		"nothing that is":         {point.Sum, []*metricsv1.NumberDataPoint{gone, gone}, gone},
		"one whose start is none": {point.Sum, []*metricsv1.NumberDataPoint{whole(1), {TimeUnixNano: 9}}, whole(1)},
	} {
		got := merge(t, &metricsv1.NumberDataPoint{}, c.how, c.points...)
		start := c.points[0].StartTimeUnixNano
		for _, p := range c.points {
			start = min(start, p.StartTimeUnixNano)
		}
		require.Equal(t, start, got.StartTimeUnixNano, name)
		require.Equal(t, uint64(9), got.TimeUnixNano, name)
		require.Equal(t, c.want.Value, got.Value, name)
		require.Equal(t, c.want.Flags, got.Flags, name)
	}
}

// bin sorts values, which lie on no bound, into buckets.
func bin(bounds, values []float64) *metricsv1.HistogramDataPoint {
	h := &metricsv1.HistogramDataPoint{Count: uint64(len(values)), ExplicitBounds: bounds, BucketCounts: make([]uint64, len(bounds)+1)}
	sum, least, most := 0.0, math.Inf(1), math.Inf(-1)
	for _, v := range values {
		i := 0
		for i < len(bounds) && v > bounds[i] {
			i++
		}
		h.BucketCounts[i]++
		sum, least, most = sum+v, min(least, v), max(most, v)
	}
	if len(values) > 0 {
		h.Min, h.Max = &least, &most
	}
	h.Sum = &sum
	return h
}

func TestAHistogramIsThatOfAllValuesBetweenTheBoundsThatAllHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := []float64{-2, 0, 1, 5, 10}
		var points []*metricsv1.HistogramDataPoint
		var values []float64
		common := all
		for range rapid.IntRange(1, 4).Draw(t, "points") {
			var bounds, left []float64
			has := map[float64]bool{}
			for _, b := range all {
				if rapid.IntRange(0, 3).Draw(t, "bound") > 0 {
					bounds, has[b] = append(bounds, b), true
				}
			}
			for _, b := range common {
				if has[b] {
					left = append(left, b)
				}
			}
			common = left
			some := rapid.SliceOfN(rapid.SampledFrom([]float64{-3.5, -1.5, 0.5, 2.5, 7.5, 12.5}), 1, 9).Draw(t, "values")
			points, values = append(points, bin(bounds, some)), append(values, some...)
		}
		want := bin(common, values)
		if got := merge(t, &metricsv1.HistogramDataPoint{}, point.Sum, points...); !proto.Equal(want, got) {
			require.Equal(t, want.String(), got.String())
		}
	})
}

func TestWhatOneHistogramDoesNotKnowAllDoNotKnow(t *testing.T) {
	without := &metricsv1.HistogramDataPoint{Count: 2, StartTimeUnixNano: 7, Exemplars: []*metricsv1.Exemplar{{TimeUnixNano: 1}}}
	with := bin([]float64{1}, []float64{0.5, 3})
	with.StartTimeUnixNano, with.Exemplars = 6, []*metricsv1.Exemplar{{TimeUnixNano: 2}}
	got := merge(t, &metricsv1.HistogramDataPoint{}, point.Sum, with, without)
	want := &metricsv1.HistogramDataPoint{Count: 4, StartTimeUnixNano: 6, Exemplars: []*metricsv1.Exemplar{{TimeUnixNano: 2}, {TimeUnixNano: 1}}}
	require.Equal(t, want.String(), got.String())
}

func TestAPointThatCannotBeAddedChangesNothing(t *testing.T) {
	for name, bad := range map[string]*metricsv1.HistogramDataPoint{
		"bounds that fall":    {Count: 1, ExplicitBounds: []float64{2, 1}, BucketCounts: []uint64{1, 0, 0}},
		"a bound that is NaN": {Count: 1, ExplicitBounds: []float64{math.NaN()}, BucketCounts: []uint64{1, 0}},
		"too few buckets":     {Count: 1, ExplicitBounds: []float64{1}, BucketCounts: []uint64{1}},
		"another count":       {Count: 2, ExplicitBounds: []float64{1}, BucketCounts: []uint64{1, 0}},
		"too many values":     {Count: math.MaxUint64, ExplicitBounds: []float64{1}, BucketCounts: []uint64{math.MaxUint64, 0}},
	} {
		var p point.Pot
		good := bin([]float64{1}, []float64{0.5})
		require.True(t, p.Reset(record.Histogram, point.Sum, raw(t, good)), name)
		require.False(t, p.Add(raw(t, bad)), name)
		got := &metricsv1.HistogramDataPoint{}
		require.NoError(t, proto.Unmarshal(p.Append(nil), got))
		require.Equal(t, good.String(), got.String(), name)
	}
	require.False(t, point.Takes(record.Summary))
}

func TestListsAndNumbersMayComeInEveryFormThatProtobufReads(t *testing.T) {
	fixed := func(b []byte, num protowire.Number, v uint64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), v)
	}
	odd := fixed(fixed(nil, 4, 99), 4, 3)                                                    // the last count stands
	odd = fixed(fixed(odd, 6, 1), 6, 2)                                                      // counts one by one
	odd = fixed(odd, 7, math.Float64bits(1))                                                 // so the bounds
	odd = protowire.AppendString(protowire.AppendTag(odd, 4, protowire.BytesType), "a text") // where a number should be
	want := &metricsv1.HistogramDataPoint{}
	require.NoError(t, proto.Unmarshal(odd, want))
	require.Equal(t, []uint64{1, 2}, want.BucketCounts)

	var p point.Pot
	require.True(t, p.Reset(record.Histogram, point.Sum, odd))
	require.True(t, p.Add(odd))
	got := &metricsv1.HistogramDataPoint{}
	require.NoError(t, proto.Unmarshal(p.Append(nil), got))
	require.Equal(t, (&metricsv1.HistogramDataPoint{Count: 6, BucketCounts: []uint64{2, 4}, ExplicitBounds: []float64{1}}).String(), got.String())
}
