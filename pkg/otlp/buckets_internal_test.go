package otlp

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func TestBucketsMustFitTheirBoundsAndCount(t *testing.T) {
	type explicit = metricsv1.HistogramDataPoint
	type exponential = metricsv1.ExponentialHistogramDataPoint
	sides := func(counts ...uint64) *metricsv1.ExponentialHistogramDataPoint_Buckets {
		return &metricsv1.ExponentialHistogramDataPoint_Buckets{BucketCounts: counts}
	}
	for name, c := range map[string]struct {
		point       proto.Message
		field, text string
	}{
		"no buckets":             {&explicit{Count: 7}, "", ""},
		"one bucket":             {&explicit{Count: 7, BucketCounts: []uint64{7}}, "", ""},
		"bounds without buckets": {&explicit{ExplicitBounds: []float64{1}}, "bucket_counts", "0 bucket counts, want 2 for 1 bounds"},
		"a count that is less":   {&explicit{Count: 2, BucketCounts: []uint64{1, 2}, ExplicitBounds: []float64{1}}, "count", "count is 2, want 3, the sum of its bucket counts"},
		"counts beyond 64 bits":  {&explicit{BucketCounts: []uint64{math.MaxUint64, 1}, ExplicitBounds: []float64{1}}, "count", "the bucket counts add up to more than 64 bits"},
		"no value recorded":      {&explicit{Flags: 1, Count: 2, BucketCounts: []uint64{1}}, "", ""},
		"nothing":                {&exponential{}, "", ""},
		"both sides and zero":    {&exponential{Count: 600, ZeroCount: 100, Positive: sides(300, 0), Negative: sides(200)}, "", ""},
		"a count without any":    {&exponential{Count: 1}, "count", "count is 1, want 0, the sum of its bucket counts"},
		"zeros beyond 64 bits":   {&exponential{ZeroCount: math.MaxUint64, Positive: sides(1)}, "count", "the bucket counts add up to more than 64 bits"},
	} {
		t.Run(name, func(t *testing.T) {
			id := histogramPoint
			if _, ok := c.point.(*exponential); ok {
				id = exponentialPoint
			}
			b, err := proto.Marshal(c.point)
			require.NoError(t, err)
			field, text := tallyOf(b, id, Range{Len: uint32(len(b))}).misfit()
			require.Equal(t, []string{c.field, c.text}, []string{field, text})
		})
	}
}

func TestNumbersOfAPointThatAreGivenTwiceCountAsInProtobuf(t *testing.T) {
	fixed := func(b []byte, num protowire.Number, v uint64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), v)
	}
	unpacked := fixed(fixed(fixed(fixed(nil, 4, 9), 4, 3), 6, 1), 6, 2)
	unpacked = fixed(unpacked, 7, math.Float64bits(0.5))
	side := func(b []byte) []byte { return appendBytes(nil, 8, b) }
	twice := append(fixed(fixed(fixed(nil, 7, 9), 7, 1), 4, 6), side([]byte("\x10\x02"))...) // a count that is not packed
	twice = append(twice, side([]byte("\x12\x01\x03"))...)                                   // and one that is, in the second half of a message
	for id, b := range map[messageID][]byte{histogramPoint: unpacked, exponentialPoint: twice} {
		field, text := tallyOf(b, id, Range{Len: uint32(len(b))}).misfit()
		require.Empty(t, field+text)
	}
}
