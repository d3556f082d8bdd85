package anomaly

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
)

func (r *rig) streams(in *anomalyv1.QueryMetricsRequest) []*anomalyv1.MetricStream {
	out, err := r.QueryMetrics(r.t.Context(), in)
	require.NoError(r.t, err)
	return out.GetStreams()
}

func TestAMetricIsToldAsItWasReadAlsoInJSON(t *testing.T) {
	r := newRig(t, nil)
	second := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }
	gap := gauge("lb.limit", second(3), 0)
	gap.GetGauge().GetDataPoints()[0].Flags = 1
	total := counter("orders", second(2), 1<<60+1)
	total.GetSum().DataPoints[0].StartTimeUnixNano = uint64(begin.UnixNano())
	r.push(1, gauge("lb.limit", second(1), 1.5), gauge("lb.limit", second(2), math.Inf(-1)), gap, counter("orders", second(1), 1<<60), total)
	check := func() {
		streams := r.streams(&anomalyv1.QueryMetricsRequest{Service: "pay"})
		require.Len(t, streams, 2)
		text, err := protojson.Marshal(streams[0])
		require.NoError(t, err)
		require.JSONEq(t, `{"name": "lb.limit", "labels": {"service": "pay"}, "type": "METRIC_TYPE_GAUGE", "points": [
			{"time": "2026-01-01T00:00:01Z", "asDouble": 1.5},
			{"time": "2026-01-01T00:00:02Z", "asDouble": "-Infinity", "marks": ["POINT_MARK_NON_FINITE"]},
			{"time": "2026-01-01T00:00:03Z", "marks": ["POINT_MARK_GAP"]}
		], "figures": {"finiteCount": "1", "finiteMean": 1.5, "nonFiniteCount": "1", "gaps": "1", "duplicates": "3"}}`, withDuplicates(t, text, "3"))
		text, err = protojson.Marshal(streams[1])
		require.NoError(t, err)
		require.JSONEq(t, `{"name": "orders", "labels": {"service": "pay"}, "type": "METRIC_TYPE_SUM", "temporality": "TEMPORALITY_CUMULATIVE",
			"monotonic": true, "points": [
			{"time": "2026-01-01T00:00:01Z", "asInt": "1152921504606846976", "marks": ["POINT_MARK_FIRST"]},
			{"startTime": "2026-01-01T00:00:00Z", "time": "2026-01-01T00:00:02Z", "asInt": "1152921504606846977", "deltaSum": 1}
		], "figures": {"finiteCount": "2", "finiteMean": 1152921504606846976, "duplicates": "2"}}`, withDuplicates(t, text, "2"))
	}
	check()
	r.restart(time.Second)
	check()
	require.Equal(t, []float64{1.5}, r.values("lb.limit"), "what is watched is finite")
}

// withDuplicates sets the figure, which after a restart counts only what came since.
func withDuplicates(t *testing.T, text []byte, n string) string {
	var m map[string]any
	require.NoError(t, json.Unmarshal(text, &m))
	m["figures"].(map[string]any)["duplicates"] = n
	out, err := json.Marshal(m)
	require.NoError(t, err)
	return string(out)
}

func TestADistributionHasQuantilesOrNone(t *testing.T) {
	r := newRig(t, nil)
	point := func(count, zero uint64) *metricsv1.ExponentialHistogramDataPoint {
		return &metricsv1.ExponentialHistogramDataPoint{TimeUnixNano: uint64(begin.UnixNano()), Count: count, ZeroCount: zero, Sum: proto.Float64(math.NaN())}
	}
	for name, p := range map[string]*metricsv1.ExponentialHistogramDataPoint{"empty": point(0, 0), "zeros": point(7, 7)} {
		r.push(1, &metricsv1.Metric{Name: name, Data: &metricsv1.Metric_ExponentialHistogram{
			ExponentialHistogram: &metricsv1.ExponentialHistogram{DataPoints: []*metricsv1.ExponentialHistogramDataPoint{p}},
		}})
		got := r.streams(&anomalyv1.QueryMetricsRequest{Name: name})[0]
		require.Equal(t, anomalyv1.MetricType_METRIC_TYPE_EXPONENTIAL_HISTOGRAM, got.GetType())
		require.Equal(t, []anomalyv1.PointMark{anomalyv1.PointMark_POINT_MARK_NON_FINITE, anomalyv1.PointMark_POINT_MARK_FIRST}, got.GetPoints()[0].GetMarks())
		require.True(t, math.IsNaN(got.GetPoints()[0].GetSum()))
		require.Nil(t, got.GetPoints()[0].DeltaCount)
		require.Nil(t, got.GetFigures().FiniteMean)
		require.Equal(t, name == "zeros", got.GetFigures().P50 != nil)
		require.Zero(t, got.GetFigures().GetP50())
	}
}

func TestPagesHoldEveryStreamOnceAndTheWindowBoundsThePoints(t *testing.T) {
	r := newRig(t, nil)
	for i, name := range []string{"c", "a", "b", "a"} {
		m := gauge(name, begin.Add(time.Duration(i)*time.Second), 1)
		if i == 3 {
			m.Unit = "s"
		}
		r.push(uint64(i+1), m)
	}
	var got []string
	in := &anomalyv1.QueryMetricsRequest{PageSize: 1}
	for {
		out, err := r.QueryMetrics(t.Context(), in)
		require.NoError(t, err)
		for _, s := range out.GetStreams() {
			got = append(got, s.GetName()+s.GetUnit())
		}
		if in.PageToken = out.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	require.Equal(t, []string{"a", "as", "b", "c"}, got)
	got = nil
	for _, s := range r.streams(&anomalyv1.QueryMetricsRequest{
		StartTime: timestamppb.New(begin.Add(time.Second)), EndTime: timestamppb.New(begin.Add(2 * time.Second)),
	}) {
		if len(s.GetPoints()) > 0 {
			got = append(got, s.GetName()+s.GetUnit())
		}
	}
	require.Equal(t, []string{"a"}, got)
	require.Empty(t, r.streams(&anomalyv1.QueryMetricsRequest{Service: "other"}))
	require.Len(t, r.streams(&anomalyv1.QueryMetricsRequest{Name: "a"}), 2)
}
