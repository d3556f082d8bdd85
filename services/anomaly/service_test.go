package anomaly

import (
	"log/slog"
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

func TestAnAnomalyGoesOnOverARestartAndEndsWithItsService(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := begin
	var heard []string
	deps := Deps{
		Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: func() time.Time { return now }, Dir: t.TempDir(),
		OnChange: func(kind, _ string) { heard = append(heard, kind) },
	}
	s, err := New(settings.Defaults[Config](), deps)
	require.NoError(t, err)
	v := &server{s: s}
	for i := range 30 {
		p := &anomalyv1.Point{
			Series: &anomalyv1.Series{Name: "service.error.ratio", Labels: map[string]string{"service": "pay"}},
			Time:   timestamppb.New(begin.Add(time.Duration(i) * 5 * time.Second)), Weight: 50,
		}
		if i >= 27 {
			p.Value = 0.5
		}
		for _, accepted := range []uint32{1, 0} { // the second time it is late
			out, err := v.Observe(t.Context(), &anomalyv1.ObserveRequest{Points: []*anomalyv1.Point{p}})
			require.NoError(t, err)
			require.Equal(t, accepted, out.GetAccepted())
		}
	}
	active := &anomalyv1.ListAnomaliesRequest{Active: true, Service: "pay"}
	out, err := v.ListAnomalies(t.Context(), active)
	require.NoError(t, err)
	require.Len(t, out.GetAnomalies(), 1)
	require.Equal(t, anomalyv1.Direction_DIRECTION_UP, out.GetAnomalies()[0].GetDirection())
	require.Equal(t, []string{"anomaly", "anomaly"}, heard)
	require.NoError(t, s.close())

	for _, c := range []struct {
		after time.Duration
		open  int
	}{{time.Second, 1}, {2 * time.Second, 1}, {time.Hour, 0}} {
		now = begin.Add(c.after)
		s, err = New(settings.Defaults[Config](), deps)
		require.NoError(t, err)
		again, err := (&server{s: s}).ListAnomalies(t.Context(), active)
		require.NoError(t, err)
		require.Len(t, again.GetAnomalies(), c.open)
		if c.open > 0 {
			require.Equal(t, out.GetAnomalies()[0].String(), again.GetAnomalies()[0].String())
		}
		require.NoError(t, s.close())
	}
}
