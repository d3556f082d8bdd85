package sdk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/sdk/processor"
)

func TestShutdownLosesNothingAndTriflowKnowsIt(t *testing.T) {
	overEach(t, func(t *testing.T, s *triflow, transport string) {
		const traces = 4000
		a := newApplication(t, "whole-"+transport, exporterTo(t, s, transport), processor.WithQueueSize(4*traces))
		a.workers(8, traces)
		require.NoError(t, a.Shutdown(t.Context()))

		require.Equal(t, processor.Stats{Offered: 2 * traces, Exported: 2 * traces, Capacity: 16384}, a.spans.Stats())
		row := s.sender(a.service)
		require.Equal(t, uint64(2*traces), row.Accepted)
		require.Contains(t, row.SDK, "go opentelemetry 1.")
		require.NotNil(t, row.Quality.Completeness)
		require.Equal(t, 1.0, *row.Quality.Completeness)
		require.Zero(t, s.missing(a.service))
	})
}

// overtaken is how many batches have to come after a gap before it is told: until then they might have overtaken it.
const overtaken = 64

func TestSpansThatTheRingDroppedAreMissingInTheAPIToTheSpan(t *testing.T) {
	overEach(t, func(t *testing.T, s *triflow, transport string) {
		held := gate{exporterTo(t, s, transport), make(chan struct{}, 1), make(chan struct{})}
		a := newApplication(t, "gap-"+transport, held, processor.WithQueueSize(64), processor.WithBatchSize(16))
		a.work(8) // a batch
		<-held.held
		a.workers(4, 500) // the ring takes 64 of 1000
		close(held.letGo)
		dropped := a.spans.Stats().Dropped
		require.Equal(t, processor.Dropped{QueueFull: 1000 - 64}, dropped)
		a.flush()
		for range overtaken + 6 { // batches of the ring, whose last may have come before the gap
			a.work(1)
			a.flush()
		}
		require.NoError(t, a.Shutdown(t.Context()))

		stats := a.spans.Stats()
		require.Equal(t, dropped, stats.Dropped)
		require.Equal(t, stats.Dropped.Total(), s.missing(a.service))
		row := s.sender(a.service)
		require.Equal(t, stats.Exported, row.Accepted)
		require.NotNil(t, row.Quality.Completeness)
		require.InDelta(t, float64(stats.Exported)/float64(stats.Offered), *row.Quality.Completeness, 1e-9)
	})
}
