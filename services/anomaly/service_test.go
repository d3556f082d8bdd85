package anomaly

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
)

func TestAnAnomalyGoesOnOverARestartAndEndsWithItsService(t *testing.T) {
	r := newRig(t, nil)
	r.feed("service.error.ratio", of("pay"), 50, append(repeat(0, 27), repeat(0.5, 3)...)...)
	active := &anomalyv1.ListAnomaliesRequest{Active: true, Service: "pay"}
	before := r.list(active).GetAnomalies()
	require.Len(t, before, 1)
	require.Equal(t, anomalyv1.Direction_DIRECTION_UP, before[0].GetDirection())
	for range 2 {
		r.restart(time.Second)
		after := r.list(active).GetAnomalies()
		require.Len(t, after, 1)
		require.True(t, proto.Equal(before[0], after[0]))
	}
	r.restart(time.Hour)
	require.Empty(t, r.list(active).GetAnomalies())
	ended := r.list(&anomalyv1.ListAnomaliesRequest{}).GetAnomalies()
	require.Len(t, ended, 1)
	require.True(t, proto.Equal(before[0].GetLastTime(), ended[0].GetEndTime()))
}

func TestARestartIsNotBlindAndKnowsPointsThatAreSentAgain(t *testing.T) {
	r := newRig(t, nil)
	r.feed("service.error.ratio", of("pay"), 50, repeat(0, 20)...)
	r.restart(time.Second)
	r.clock.Add(-int64(6 * time.Second))
	out, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{point("service.error.ratio", of("pay"), r.deps.Now(), 1)}})
	require.NoError(t, err)
	require.Zero(t, out.GetAccepted())
	r.clock.Add(int64(6 * time.Second))
	r.feed("service.error.ratio", of("pay"), 50, 0.5, 0.5)
	require.Len(t, r.list(&anomalyv1.ListAnomaliesRequest{Active: true}).GetAnomalies(), 1)
}

func TestChangesAreToldOutsideOfTheLocks(t *testing.T) {
	r := newRig(t, nil)
	var told []string
	r.s.deps.OnChange = func(kind, id string) {
		require.True(t, r.s.turn.TryLock())
		r.s.turn.Unlock()
		require.True(t, r.s.mu.TryLock())
		r.s.mu.Unlock()
		require.Equal(t, id, r.list(&anomalyv1.ListAnomaliesRequest{}).GetAnomalies()[0].GetId())
		told = append(told, kind)
	}
	r.feed("service.error.ratio", of("pay"), 50, append(repeat(0, 27), repeat(0.5, 3)...)...)
	require.Equal(t, []string{"anomaly", "anomaly"}, told)
}

// fullDisk is a table that takes nothing while it is full.
type fullDisk struct {
	rows
	full bool
}

func (d *fullDisk) Put(id string, a *anomalyv1.Anomaly) error {
	if d.full {
		return errors.New("no space left")
	}
	return d.rows.Put(id, a)
}

func TestWhatTheDiskRefusedIsStoredLater(t *testing.T) {
	r := newRig(t, nil)
	disk := &fullDisk{rows: r.s.table}
	r.s.table = disk
	r.feed("service.error.ratio", of("pay"), 50, append(repeat(0, 20), 0.5)...)
	disk.full = true
	r.clock.Add(int64(5 * time.Second))
	last := point("service.error.ratio", of("pay"), r.deps.Now(), 0.5)
	last.Weight = 50
	_, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{last}})
	require.Equal(t, codes.Internal, status.Code(err))
	disk.full = false
	out, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{last}})
	require.NoError(t, err)
	require.Zero(t, out.GetAccepted())
	require.Len(t, r.list(&anomalyv1.ListAnomaliesRequest{Active: true}).GetAnomalies(), 1)
}

func TestTheAnomalyOfASilentSeriesEndsAndTheSeriesIsForgotten(t *testing.T) {
	r := newRig(t, nil)
	r.feed("service.error.ratio", of("pay"), 50, append(repeat(0, 27), repeat(0.5, 3)...)...)
	last := r.deps.Now()
	require.NoError(t, r.s.sweep(t.Context(), last.Add(r.cfg.Silence-1)))
	require.Len(t, r.list(&anomalyv1.ListAnomaliesRequest{Active: true}).GetAnomalies(), 1)
	require.NoError(t, r.s.sweep(t.Context(), last.Add(r.cfg.Silence)))
	require.Empty(t, r.list(&anomalyv1.ListAnomaliesRequest{Active: true}).GetAnomalies())
	require.Len(t, r.s.series, 1)
	require.NoError(t, r.s.sweep(t.Context(), last.Add(r.cfg.Forget+1)))
	require.Empty(t, r.s.series)
	require.Empty(t, r.s.seen)
}

func TestAPauseEndsTheAnomalyWithoutASweep(t *testing.T) {
	r := newRig(t, nil)
	r.feed("service.error.ratio", of("pay"), 50, append(repeat(0, 27), repeat(0.5, 3)...)...)
	last := r.deps.Now()
	r.clock.Add(int64(r.cfg.Silence))
	r.feed("service.error.ratio", of("pay"), 50, 0)
	all := r.list(&anomalyv1.ListAnomaliesRequest{}).GetAnomalies()
	require.Len(t, all, 1)
	require.Equal(t, last, all[0].GetEndTime().AsTime())
}

func TestComplaintsThatBeginDuringAFaultAreSeenAndOtherNewLinesAreNot(t *testing.T) {
	for severity, want := range map[string]int{"error": 1, "warn": 1, "info": 0} {
		t.Run(severity, func(t *testing.T) {
			r := newRig(t, nil)
			r.feed("service.request.rate", of("pay"), 100, repeat(20, 30)...)
			labels := map[string]string{"service": "pay", "template_id": "7", "severity": severity}
			r.feed("log.template.rate", labels, 20, 4, 4, 4)
			got := r.list(&anomalyv1.ListAnomaliesRequest{Active: true}).GetAnomalies()
			require.Len(t, got, want)
		})
	}
}

func TestSeriesBeyondTheLimitAreIgnored(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxSeries = 2 })
	points := []*anomalyv1.Point{point("a", nil, begin, 1), point("b", nil, begin, 1), point("c", nil, begin, 1)}
	out, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: points})
	require.NoError(t, err)
	require.EqualValues(t, 2, out.GetAccepted())
	require.EqualValues(t, 1, out.GetIgnored())
}

func TestAfterTheEndNothingIsTakenOrRead(t *testing.T) {
	r := newRig(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.s.Run(ctx) }()
	require.NoError(t, r.s.Ready())
	cancel()
	require.NoError(t, <-ended)
	require.ErrorIs(t, r.s.Ready(), ErrStopped)
	_, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{point("a", nil, begin, 1)}})
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = r.ListAnomalies(t.Context(), &anomalyv1.ListAnomaliesRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	b := metricsBatch(t, 1, gauge("cpu.utilization", begin, 1))
	b.Done = func() { t.Error("done though it was not taken") }
	require.ErrorIs(t, r.s.Push(t.Context(), b), ErrStopped)
	require.ErrorIs(t, r.s.sweep(t.Context(), begin), ErrStopped)
}

func TestManyMayCallAtOnce(t *testing.T) {
	r := newRig(t, nil)
	var calls errgroup.Group
	for caller := range 4 {
		calls.Go(func() error {
			for step := range 20 {
				at := begin.Add(time.Duration(step) * 5 * time.Second)
				_, err := r.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{point("a", of("pay"), at, 1)}})
				b := metricsBatch(t, uint64(step+1), gauge("cpu.utilization", at, 0.5))
				b.Sender, b.ReceiveTime = strconv.Itoa(caller), at
				_, listing := r.ListAnomalies(t.Context(), &anomalyv1.ListAnomaliesRequest{})
				_, querying := r.QuerySeries(t.Context(), &anomalyv1.QuerySeriesRequest{})
				_, reading := r.QueryMetrics(t.Context(), &anomalyv1.QueryMetricsRequest{})
				if err := errors.Join(err, r.s.Push(t.Context(), b), listing, querying, reading, r.s.sweep(t.Context(), begin)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, calls.Wait())
	require.Len(t, r.s.series, 2)
}
