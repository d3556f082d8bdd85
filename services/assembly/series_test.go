package assembly

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
)

// at gives the points of a time by series.
func (w *watcher) at(t time.Time) map[string]*anomalyv1.Point {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[string]*anomalyv1.Point)
	for _, p := range w.points {
		l := p.GetSeries().GetLabels()
		if p.GetTime().AsTime().Equal(t) {
			all[p.GetSeries().GetName()+" "+l["service"]+l["client"]+" "+l["server"]] = p
		}
	}
	return all
}

// tick lets a second pass, with all that happens in it.
func (b *bench) tick(n int) {
	for range n {
		b.wait(time.Second)
		require.NoError(b.t, b.observe(context.Background()))
	}
}

func TestFinishedStepsArePassedOnAndSilenceIsAZero(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.tick(10)
	parts := shopAt(1, 20_000)
	failing(parts[0].ScopeSpans[0].Spans[0], "late")
	b.push(1, parts...)
	b.push(2, shopAt(2, 20_100)...)
	b.tick(15)
	step := b.watch.at(t0().Add(25 * time.Second))
	require.InDelta(t, 0.4, step["service.request.rate front "].GetValue(), 1e-9)
	require.InDelta(t, 0.5, step["service.error.ratio front "].GetValue(), 1e-9)
	require.InEpsilon(t, 0.1, step["service.latency.p90 front "].GetValue(), 0.05)
	require.InEpsilon(t, 0.03, step["service.self_time.p90 front "].GetValue()-0.02, 0.1, "30 ms before and after the call, 20 on the way")
	require.InDelta(t, 0.5, step["service.own_error.ratio front "].GetValue(), 1e-9)
	require.InDelta(t, 1, step["service.root.ratio front "].GetValue(), 1e-9)
	require.InDelta(t, 0, step["service.root.ratio cart "].GetValue(), 1e-9)
	require.InEpsilon(t, 0.02, step["service.self_time.p90 cart "].GetValue(), 0.05, "the query is not its own work")
	require.InDelta(t, 0.4, step["edge.request.rate front cart"].GetValue(), 1e-9)
	require.InDelta(t, 1, step["edge.fanout front cart"].GetValue(), 1e-9)
	require.InEpsilon(t, 0.03, step["edge.latency.p90 cart postgresql@orders"].GetValue(), 0.05)
	require.Equal(t, float64(2), step["service.latency.p90 front "].GetWeight())
	require.NotContains(t, step, "service.request.rate postgresql@orders ")

	silent := b.watch.at(t0().Add(30 * time.Second))
	require.Zero(t, silent["service.request.rate front "].GetValue())
	require.Zero(t, silent["edge.request.rate front cart"].GetValue())
	require.Len(t, silent, 4, "rates of two services and two edges")
}

func TestPointsWaitForAnomalyAndAreNotSentTwice(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.tick(10)
	b.push(1, shopAt(1, 20_000)...)
	b.watch.down = true
	b.wait(15 * time.Second)
	require.ErrorIs(t, b.observe(context.Background()), errDown)
	require.Empty(t, b.watch.points)
	b.watch.down = false
	b.tick(2)
	seen := make(map[string]bool)
	for _, p := range b.watch.points {
		key := p.GetSeries().String() + p.GetTime().String()
		require.False(t, seen[key])
		seen[key] = true
	}
	require.Contains(t, b.watch.at(t0().Add(25*time.Second)), "service.request.rate cart ")
}

func TestTheStepInWhichItStartsIsNotPassedOn(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.clock.advance(2 * time.Second)
	b.push(1, shopAt(1, 10_000)...)
	b.tick(20)
	for _, p := range b.watch.points {
		require.True(t, p.GetTime().AsTime().After(timestamppb.New(t0().Add(15*time.Second)).AsTime()))
	}
}
