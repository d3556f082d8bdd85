package anomaly

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/pkg/settings"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
)

func TestBadInputNamesTheFieldAndTheLimit(t *testing.T) {
	r := newRig(t, nil)
	observe := func(change func(*anomalyv1.Point)) func() error {
		return func() error {
			good, bad := point("a", nil, begin, 1), point("b", map[string]string{}, begin, 1)
			change(bad)
			_, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{good, bad}})
			return err
		}
	}
	count := func(n int) func() error {
		return func() error {
			_, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: make([]*anomalyv1.Point, n)})
			return err
		}
	}
	list := func(in *anomalyv1.ListAnomaliesRequest) func() error {
		return func() error { _, err := r.ListAnomalies(t.Context(), in); return err }
	}
	query := func(in *anomalyv1.QuerySeriesRequest) func() error {
		return func() error { _, err := r.QuerySeries(t.Context(), in); return err }
	}
	metrics := func(in *anomalyv1.QueryMetricsRequest) func() error {
		return func() error { _, err := r.QueryMetrics(t.Context(), in); return err }
	}
	outside := &timestamppb.Timestamp{Nanos: -1}
	for name, c := range map[string]struct {
		call func() error
		want string
	}{
		"no points":       {count(0), "points: 0, want 1 to 10000"},
		"many points":     {count(10_001), "points: 10001, want 1 to 10000"},
		"no name":         {observe(func(p *anomalyv1.Point) { p.Series.Name = "" }), "points[1].series.name: 0 bytes, want 1 to 256"},
		"no series":       {observe(func(p *anomalyv1.Point) { p.Series = nil }), "points[1].series.name: 0 bytes, want 1 to 256"},
		"long name":       {observe(func(p *anomalyv1.Point) { p.Series.Name = strings.Repeat("x", 257) }), "points[1].series.name: 257 bytes, want 1 to 256"},
		"no time":         {observe(func(p *anomalyv1.Point) { p.Time = nil }), "points[1].time: missing or out of range"},
		"long value":      {observe(func(p *anomalyv1.Point) { p.Series.Labels["k"] = strings.Repeat("x", 1025) }), "points[1].series.labels: key of 1 and value of 1025 bytes"},
		"long key":        {observe(func(p *anomalyv1.Point) { p.Series.Labels[strings.Repeat("x", 257)] = "" }), "points[1].series.labels: key of 257"},
		"page size":       {list(&anomalyv1.ListAnomaliesRequest{PageSize: 1001}), "page_size: 1001"},
		"page token":      {list(&anomalyv1.ListAnomaliesRequest{PageToken: "?"}), "page_token"},
		"start time":      {list(&anomalyv1.ListAnomaliesRequest{StartTime: outside}), "start_time"},
		"empty span":      {list(&anomalyv1.ListAnomaliesRequest{StartTime: timestamppb.New(begin), EndTime: timestamppb.New(begin)}), "end_time: want later than start_time"},
		"series end time": {query(&anomalyv1.QuerySeriesRequest{EndTime: outside}), "end_time"},
		"metrics start":   {metrics(&anomalyv1.QueryMetricsRequest{StartTime: outside}), "start_time"},
		"metrics size":    {metrics(&anomalyv1.QueryMetricsRequest{PageSize: -1}), "page_size: -1"},
		"metrics token":   {metrics(&anomalyv1.QueryMetricsRequest{PageToken: page.Encode(&anomalyv1.QueryMetricsRequest{}, "no place")}), "page_token"},
		"many labels": {observe(func(p *anomalyv1.Point) {
			for i := range 33 {
				p.Series.Labels[strings.Repeat("x", i+1)] = ""
			}
		}), "points[1].series.labels: 33, want at most 32"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.call()
			require.Equal(t, codes.InvalidArgument, status.Code(err))
			require.ErrorContains(t, err, c.want)
		})
	}
	require.Empty(t, r.s.series, "a request is taken as a whole or not")
}

func TestPointsThatAreNoNumbersAreCountedAndIgnored(t *testing.T) {
	r := newRig(t, nil)
	out, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{
		point("a", nil, begin, math.NaN()), point("a", nil, begin, math.Inf(1)), point("a", nil, begin, 1),
	}})
	require.NoError(t, err)
	require.EqualValues(t, 1, out.GetAccepted())
	require.EqualValues(t, 2, out.GetIgnored())
}

func TestPagesHoldEveryAnomalyOnceAndFiltersHold(t *testing.T) {
	r := newRig(t, nil)
	for _, s := range []string{"a", "b", "c"} {
		r.feed("edge.error.ratio", map[string]string{"client": "front", "server": s}, 50, append(repeat(0, 20), repeat(0.5, 3)...)...)
	}
	var got []string
	in := &anomalyv1.ListAnomaliesRequest{PageSize: 2, Service: "front"}
	for {
		out := r.list(in)
		for _, a := range out.GetAnomalies() {
			got = append(got, a.GetService())
		}
		if in.PageToken = out.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	require.Equal(t, []string{"c", "b", "a"}, got)

	count := func(in *anomalyv1.ListAnomaliesRequest) int { return len(r.list(in).GetAnomalies()) }
	require.Equal(t, 1, count(&anomalyv1.ListAnomaliesRequest{Service: "b"}))
	require.Equal(t, 0, count(&anomalyv1.ListAnomaliesRequest{Service: "d"}))
	require.NoError(t, r.s.sweep(t.Context(), r.deps.Now())) // a was silent for long
	first := begin.Add(23 * 5 * time.Second)
	require.Equal(t, 1, count(&anomalyv1.ListAnomaliesRequest{EndTime: timestamppb.New(first)}))
	require.Equal(t, 2, count(&anomalyv1.ListAnomaliesRequest{StartTime: timestamppb.New(first.Add(1))}))
}

func TestSeriesAreShownInTheSpanAskedFor(t *testing.T) {
	r := newRig(t, nil)
	r.feed("service.request.rate", of("pay"), 50, 1, 2, 3, 4)
	out, err := r.QuerySeries(t.Context(), &anomalyv1.QuerySeriesRequest{
		Service: "pay", StartTime: timestamppb.New(begin.Add(10 * time.Second)), EndTime: timestamppb.New(begin.Add(20 * time.Second)),
	})
	require.NoError(t, err)
	require.Len(t, out.GetSeries(), 1)
	require.Equal(t, []float64{2, 3}, out.GetSeries()[0].GetValues())
}

func TestEverySettingOutOfItsRangeIsNamed(t *testing.T) {
	require.NoError(t, settings.Defaults[Config]().Validate())
	err := Config{Threshold: math.NaN()}.Validate()
	for _, field := range []string{
		"threshold", "window", "min_baseline", "keep", "stream_points", "max_series", "max_anomalies", "silence", "forget", "replay", "journal_bytes",
	} {
		require.ErrorContains(t, err, "anomaly."+field+": ")
	}
	_, err = New(Config{}, Deps{})
	require.Error(t, err)
}
