package meter

import (
	"strconv"
	"testing"

	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// BenchmarkRead tells what a point costs, one of an exponential histogram of 40 buckets in 100 streams.
func BenchmarkRead(b *testing.B) {
	const streams = 100
	m := New(Limits{Streams: streams, Points: 60})
	points := make([]*metricsv1.ExponentialHistogramDataPoint, streams)
	buckets := make([]uint64, 40)
	b.ReportAllocs()
	for at := int64(1); b.Loop(); at++ {
		for i := range buckets {
			buckets[i]++
		}
		for i := range points {
			points[i] = exponentialPoint(1, 1+at, 5, 0, float64(at), 0, buckets...)
			points[i].Attributes = append(points[i].Attributes, attribute("route", strconv.Itoa(i)))
		}
		m.Read(request(totals(points...)), 1<<62)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*streams), "ns/point")
}
