package point_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/point"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

type side = metricsv1.ExponentialHistogramDataPoint_Buckets

// finest is the scale of the values of the tests: a value is the bucket that it falls into there.
const finest = 8

// bucketsOf sorts values into the buckets of a scale.
func bucketsOf(scale int32, values []int32) *side {
	if len(values) == 0 {
		return nil
	}
	low, high := int32(math.MaxInt32), int32(math.MinInt32)
	for _, v := range values {
		low, high = min(low, v>>(finest-scale)), max(high, v>>(finest-scale))
	}
	b := &side{Offset: low, BucketCounts: make([]uint64, high-low+1)}
	for _, v := range values {
		b.BucketCounts[v>>(finest-scale)-low]++
	}
	return b
}

func exponentialOf(scale int32, zero uint64, positive, negative []int32) *metricsv1.ExponentialHistogramDataPoint {
	return &metricsv1.ExponentialHistogramDataPoint{
		Scale: scale, Count: zero + uint64(len(positive)+len(negative)), ZeroCount: zero,
		Positive: bucketsOf(scale, positive), Negative: bucketsOf(scale, negative),
	}
}

func TestAnExponentialHistogramIsThatOfAllValuesAtACoarserScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []*metricsv1.ExponentialHistogramDataPoint
		var positive, negative []int32
		zero, scale := uint64(0), int32(finest)
		values := rapid.SliceOfN(rapid.OneOf(rapid.Int32Range(-300, 300), rapid.Int32Range(-1<<20, 1<<20)), 0, 9)
		for range rapid.IntRange(1, 4).Draw(t, "points") {
			s := rapid.Int32Range(-9, finest).Draw(t, "scale")
			p, n, z := values.Draw(t, "positive"), values.Draw(t, "negative"), rapid.Uint64Range(0, 3).Draw(t, "zero")
			points = append(points, exponentialOf(s, z, p, n))
			positive, negative, zero, scale = append(positive, p...), append(negative, n...), zero+z, min(scale, s)
		}
		got := merge(t, &metricsv1.ExponentialHistogramDataPoint{}, point.Sum, points...)
		require.LessOrEqual(t, got.Scale, scale)
		if got.Scale < scale { // only for want of room
			finer := exponentialOf(got.Scale+1, zero, positive, negative)
			require.Greater(t, max(len(finer.GetPositive().GetBucketCounts()), len(finer.GetNegative().GetBucketCounts())), 160)
		}
		want := exponentialOf(got.Scale, zero, positive, negative)
		require.Equal(t, want.String(), got.String())
	})
}

func TestTheZeroBucketIsAsWideAsTheWidest(t *testing.T) {
	narrow := exponentialOf(0, 1, []int32{-3 << finest, -1 << finest, 0, 2 << finest}, []int32{-2 << finest})
	wide := exponentialOf(0, 5, []int32{4 << finest}, nil)
	wide.ZeroThreshold = 0.75 // within the bucket (0.5, 1]
	got := merge(t, &metricsv1.ExponentialHistogramDataPoint{}, point.Sum, narrow, wide)
	require.EqualValues(t, 12, got.Count)
	require.EqualValues(t, 9, got.ZeroCount, "with those up to 1")
	require.Equal(t, 1.0, got.ZeroThreshold)
	require.Equal(t, (&side{Offset: 0, BucketCounts: []uint64{1, 0, 1, 0, 1}}).String(), got.Positive.String())
	require.Nil(t, got.Negative)
}

func FuzzPot(f *testing.F) {
	f.Add(uint8(0), raw(f, whole(3)), raw(f, real(2)))
	f.Add(uint8(2), raw(f, bin([]float64{1, 2}, []float64{0.5, 3})), raw(f, bin([]float64{1}, []float64{7})))
	f.Add(uint8(3), raw(f, exponentialOf(3, 1, []int32{1, 2000}, []int32{4})), raw(f, exponentialOf(-2, 0, []int32{1}, nil)))
	kinds := []protowire.Number{record.Gauge, record.Sum, record.Histogram, record.ExponentialHistogram}
	f.Fuzz(func(t *testing.T, kind uint8, a, b []byte) {
		var p, again point.Pot
		k := kinds[kind%4]
		if !p.Reset(k, point.How(kind/4%5), a) || !p.Add(b) {
			return
		}
		sum := p.Append(nil)
		require.True(t, again.Reset(k, point.Sum, sum), "what comes out can be added again")
		require.Equal(t, sum, again.Append(nil))
	})
}
