package anomaly

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/settings"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// rig is a service in a folder, with a clock that stands until it is moved.
type rig struct {
	t     *testing.T
	cfg   Config
	deps  Deps
	clock atomic.Int64 // since begin
	*server
}

func newRig(t *testing.T, change func(*Config)) *rig {
	r := &rig{t: t, cfg: settings.Defaults[Config]()}
	if change != nil {
		change(&r.cfg)
	}
	r.deps = Deps{
		Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Dir: t.TempDir(),
		Now: func() time.Time { return begin.Add(time.Duration(r.clock.Load())) },
	}
	r.open()
	t.Cleanup(r.end)
	return r
}

func (r *rig) open() {
	s, err := New(r.cfg, r.deps)
	require.NoError(r.t, err)
	r.server = &server{s: s}
}

// end closes the service unless that is done.
func (r *rig) end() {
	if r.s.stopped.CompareAndSwap(false, true) {
		require.NoError(r.t, r.s.close())
	}
}

// restart closes and opens the service after a pause.
func (r *rig) restart(pause time.Duration) {
	require.NoError(r.t, r.s.close())
	r.clock.Add(int64(pause))
	r.open()
}

// feed observes the values of a series, a step of 5 s each, and moves the clock along.
func (r *rig) feed(name string, labels map[string]string, weight float64, values ...float64) {
	for _, v := range values {
		r.clock.Add(int64(5 * time.Second))
		out, err := r.Observe(r.t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{
			{Series: &anomalyv1.Series{Name: name, Labels: labels}, Time: timestamppb.New(r.deps.Now()), Value: v, Weight: weight},
		}})
		require.NoError(r.t, err)
		require.EqualValues(r.t, 1, out.GetAccepted())
	}
}

func (r *rig) list(in *anomalyv1.ListAnomaliesRequest) *anomalyv1.ListAnomaliesResponse {
	out, err := r.ListAnomalies(context.Background(), in)
	require.NoError(r.t, err)
	return out
}

func of(service string) map[string]string { return map[string]string{"service": service} }

func repeat(v float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func point(name string, labels map[string]string, at time.Time, value float64) *anomalyv1.Point {
	return &anomalyv1.Point{Series: &anomalyv1.Series{Name: name, Labels: labels}, Time: timestamppb.New(at), Value: value}
}
