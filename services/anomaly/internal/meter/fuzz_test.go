package meter

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

// FuzzRead checks what holds for any request: readings are finite, within the bounds, and none comes twice.
func FuzzRead(f *testing.F) {
	count := 3.0
	for _, m := range []*metricsv1.Metric{
		sum(ofTotals, number(1, 2, 3)), sum(ofInterval, number(1, 2, 3)),
		{Name: "h", Unit: "s", Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{
			AggregationTemporality: ofInterval, DataPoints: []*metricsv1.HistogramDataPoint{{
				StartTimeUnixNano: 1, TimeUnixNano: 2, Count: 3, Sum: &count, ExplicitBounds: []float64{1}, BucketCounts: []uint64{1, 2},
			}},
		}}},
		totals(exponentialPoint(1, 2, 20, 1<<20-1, 3, 0, 2), exponentialPoint(1, 3, -10, 0, 3, 1, 2)),
		{Name: "s", Data: &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{DataPoints: []*metricsv1.SummaryDataPoint{{TimeUnixNano: 2, Count: 3}}}}},
	} {
		payload, err := proto.Marshal(request(m, m))
		require.NoError(f, err)
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		req := &collectorv1.ExportMetricsServiceRequest{}
		if proto.Unmarshal(payload, req) != nil {
			return
		}
		m := New(Limits{Streams: 4, Points: 5})
		readings, noted, ignored := m.Read(req, latest)
		require.True(t, noted >= 0 && ignored >= 0)
		for _, r := range readings {
			require.False(t, math.IsNaN(r.Value) || math.IsInf(r.Value, 0), r)
			require.False(t, math.IsNaN(r.Weight) || math.IsInf(r.Weight, 0) || r.Weight < 0, r)
			require.True(t, r.At > 0 && r.At <= latest)
			require.True(t, len(r.Name) > 0 && len(r.Name) <= MaxName && len(r.Labels) <= MaxLabels)
		}
		require.LessOrEqual(t, len(m.streams), 4)
		again, noted, _ := m.Read(req, latest)
		require.Empty(t, again)
		require.Zero(t, noted)
	})
}
