package anomaly

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	"github.com/triflow/triflow/services/anomaly/internal/meter"
)

func TestARestartAtAnyPointChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		restarted := newRig(t, nil)
		defer restarted.end()
		steady := &Service{cfg: restarted.cfg, series: map[string]*tracked{}, meter: meter.New(meter.Limits{Streams: 1, Points: 1}), seen: map[string]int64{}} // stores nothing
		want := map[string]string{}
		steps := rapid.IntRange(14, 30).Draw(rt, "steps")
		at := rapid.IntRange(0, steps-1).Draw(rt, "restart")
		for step := range steps {
			now := time.Duration(step) * 5 * time.Second
			restarted.clock.Store(int64(now))
			if step == at {
				restarted.restart(0)
			}
			bad := step > 11 && rapid.Bool().Draw(rt, "bad")
			var points []*anomalyv1.Point
			for _, name := range []string{"service.error.ratio", "service.latency.p90", "service.request.rate"} {
				p := point(name, of("pay"), begin.Add(now), 0.1)
				if p.Weight = 50; bad {
					p.Value = rapid.SampledFrom([]float64{0, 0.12, 0.9, 5}).Draw(rt, "value")
				}
				points = append(points, p)
			}
			for _, a := range steady.judge(input{points: points}).changed {
				want[a.GetId()] = a.String()
			}
			_, err := restarted.Observe(context.Background(), &anomalyv1.ObserveRequest{Points: points})
			require.NoError(rt, err)
		}
		got := map[string]string{}
		for _, a := range restarted.list(&anomalyv1.ListAnomaliesRequest{PageSize: 1000}).GetAnomalies() {
			got[a.GetId()] = a.String()
		}
		require.Equal(rt, want, got)
	})
}

func TestARecordThatCannotBeReadIsPassedOver(t *testing.T) {
	r := newRig(t, nil)
	r.feed("service.request.rate", of("pay"), 50, 1, 2)
	_, err := r.s.journal.log.Append(t.Context(), 1, []byte("x12345678?"))
	require.NoError(t, err)
	_, err = r.s.journal.log.Append(t.Context(), 1, []byte("p"))
	require.NoError(t, err)
	r.feed("service.request.rate", of("pay"), 50, 3)
	r.restart(time.Second)
	require.Equal(t, []float64{1, 2, 3}, r.values("service.request.rate"))
}

func TestOldInputsAreNotJudgedAgain(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Replay = time.Minute })
	r.feed("service.request.rate", of("pay"), 50, repeat(1, 30)...)
	require.Len(t, r.s.journal.held, 13)
	r.restart(30 * time.Second)
	require.Len(t, r.values("service.request.rate"), 6)
}

func TestAFullJournalForgetsTheOldestInputs(t *testing.T) {
	r := newRig(t, func(c *Config) { c.JournalBytes = 1 << 20 })
	j := r.s.journal
	for i := range 3000 {
		j.note(uint64(i+1), r.deps.Now(), 1000)
	}
	j.trim(0, 1000)
	require.LessOrEqual(t, j.size+1000, int64(1<<20))
	require.NotEmpty(t, j.held)
	j.trim(r.deps.Now().Add(1).UnixNano(), 0)
	require.Empty(t, j.held)
	require.Zero(t, j.size)
}

func TestAJournalThatFailsCostsOnlyThePast(t *testing.T) {
	r := newRig(t, nil)
	r.feed("service.error.ratio", of("pay"), 50, repeat(0, 20)...)
	require.NoError(t, r.s.journal.close())
	r.feed("service.error.ratio", of("pay"), 50, 0.5, 0.5)
	require.Len(t, r.list(&anomalyv1.ListAnomaliesRequest{Active: true}).GetAnomalies(), 1)
}
