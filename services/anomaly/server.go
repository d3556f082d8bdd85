package anomaly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/pkg/rpc"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	"github.com/triflow/triflow/services/anomaly/internal/meter"
)

const (
	maxPoints            = 10_000
	defaultPage, maxPage = 100, 1000
	maxSeriesShown       = 1000
)

type server struct {
	anomalyv1.UnimplementedAnomalyServiceServer
	s *Service
}

// Register adds the AnomalyService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	anomalyv1.RegisterAnomalyServiceServer(r, &server{s: s})
}

func (v *server) Observe(ctx context.Context, in *anomalyv1.ObserveRequest) (*anomalyv1.ObserveResponse, error) {
	points := in.GetPoints()
	if len(points) == 0 || len(points) > maxPoints {
		return nil, rpc.InvalidArgument("points", fmt.Sprintf("%d, want 1 to %d", len(points), maxPoints))
	}
	for i, p := range points {
		if err := checkPoint(fmt.Sprintf("points[%d]", i), p); err != nil {
			return nil, err
		}
	}
	got, err := v.s.take(ctx, input{received: v.s.deps.Now(), points: points})
	if errors.Is(err, ErrStopped) {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &anomalyv1.ObserveResponse{Accepted: uint32(got.taken), Ignored: uint32(got.ignored)}, nil
}

func checkPoint(at string, p *anomalyv1.Point) error {
	if n := len(p.GetSeries().GetName()); n == 0 || n > meter.MaxName {
		return rpc.InvalidArgument(at+".series.name", fmt.Sprintf("%d bytes, want 1 to %d", n, meter.MaxName))
	}
	labels := p.GetSeries().GetLabels()
	if len(labels) > meter.MaxLabels {
		return rpc.InvalidArgument(at+".series.labels", fmt.Sprintf("%d, want at most %d", len(labels), meter.MaxLabels))
	}
	for key, value := range labels {
		if len(key) > meter.MaxKey || len(value) > meter.MaxValue {
			return rpc.InvalidArgument(at+".series.labels", fmt.Sprintf("key of %d and value of %d bytes, want at most %d and %d",
				len(key), len(value), meter.MaxKey, meter.MaxValue))
		}
	}
	if err := p.GetTime().CheckValid(); err != nil {
		return rpc.InvalidArgument(at+".time", "missing or out of range, want a time")
	}
	return nil
}

func (v *server) ListAnomalies(_ context.Context, in *anomalyv1.ListAnomaliesRequest) (*anomalyv1.ListAnomaliesResponse, error) {
	var faults rpc.Violations
	size, err := page.Size(in.GetPageSize(), defaultPage, maxPage)
	faults.Check("page_size", err)
	before, err := page.Decode(in, in.GetPageToken())
	faults.Check("page_token", err)
	from, to := span(&faults, in.GetStartTime(), in.GetEndTime())
	if err := faults.Err(); err != nil {
		return nil, err
	}
	v.s.reads.RLock()
	defer v.s.reads.RUnlock()
	if err := v.s.Ready(); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	rows, next, err := v.s.table.List(before, size, func(a *anomalyv1.Anomaly) bool {
		return (in.GetService() == "" || a.GetService() == in.GetService() || speaksOf(a.GetSeries(), in.GetService())) &&
			(!in.GetActive() || a.GetEndTime() == nil) &&
			(to.IsZero() || a.GetStartTime().AsTime().Before(to)) &&
			(from.IsZero() || a.GetEndTime() == nil || !a.GetEndTime().AsTime().Before(from))
	})
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &anomalyv1.ListAnomaliesResponse{Anomalies: rows, NextPageToken: page.Encode(in, next)}, nil
}

func (v *server) QuerySeries(_ context.Context, in *anomalyv1.QuerySeriesRequest) (*anomalyv1.QuerySeriesResponse, error) {
	var faults rpc.Violations
	from, to := span(&faults, in.GetStartTime(), in.GetEndTime())
	if err := faults.Err(); err != nil {
		return nil, err
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	var keys []string
	for key, t := range v.s.series {
		if (in.GetName() == "" || t.name.GetName() == in.GetName()) && (in.GetService() == "" || speaksOf(t.name, in.GetService())) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, strings.Compare)
	out := &anomalyv1.QuerySeriesResponse{}
	for _, key := range keys[:min(len(keys), maxSeriesShown)] {
		t := v.s.series[key]
		row := &anomalyv1.SeriesPoints{Series: t.name}
		for _, p := range t.data.Points() {
			at := time.Unix(0, p.At)
			if (from.IsZero() || !at.Before(from)) && (to.IsZero() || at.Before(to)) {
				row.Times = append(row.Times, timestamppb.New(at))
				row.Values = append(row.Values, p.Value)
			}
		}
		out.Series = append(out.Series, row)
	}
	return out, nil
}

func (v *server) QueryMetrics(_ context.Context, in *anomalyv1.QueryMetricsRequest) (*anomalyv1.QueryMetricsResponse, error) {
	var faults rpc.Violations
	q := metricQuery{name: in.GetName(), service: in.GetService()}
	q.from, q.to = span(&faults, in.GetStartTime(), in.GetEndTime())
	var err error
	q.limit, err = page.Size(in.GetPageSize(), defaultPage, maxPage)
	faults.Check("page_size", err)
	cursor, err := page.Decode(in, in.GetPageToken())
	if err == nil {
		q.after, err = parsePlace(cursor)
	}
	faults.Check("page_token", err)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	rows, next := v.s.metricStreams(q)
	return &anomalyv1.QueryMetricsResponse{Streams: rows, NextPageToken: page.Encode(in, next)}, nil
}

// span reads [start, end); zero times are open.
func span(faults *rpc.Violations, start, end *timestamppb.Timestamp) (from, to time.Time) {
	if start != nil {
		faults.Check("start_time", start.CheckValid())
		from = start.AsTime()
	}
	if end != nil {
		faults.Check("end_time", end.CheckValid())
		to = end.AsTime()
	}
	if start != nil && end != nil && !from.Before(to) {
		faults.Add("end_time", "want later than start_time")
	}
	return from, to
}

func speaksOf(n *anomalyv1.Series, service string) bool {
	return about(n) == service || strings.HasPrefix(n.GetName(), "edge.") && n.GetLabels()["client"] == service
}
