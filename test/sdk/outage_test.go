package sdk

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/sdk/processor"
)

func TestAnOutageOfTriflowCostsNothing(t *testing.T) {
	for _, transport := range []string{"grpc", "http"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := startTriflow(t)
			a := newApplication(t, "outage-"+transport, exporterTo(t, s, transport), processor.WithQueueSize(8192))
			a.work(1000)
			a.flush()
			require.Equal(t, uint64(2000), s.sender(a.service).Accepted)

			s.kill()
			a.workers(4, 2000)
			flushed := make(chan error, 1)
			go func() { flushed <- a.ForceFlush(context.WithoutCancel(t.Context())) }()
			s.start()
			require.NoError(t, <-flushed)
			require.NoError(t, a.Shutdown(t.Context()))

			require.Equal(t, processor.Stats{Offered: 6000, Exported: 6000, Capacity: 8192}, a.spans.Stats())
			row := s.sender(a.service)
			require.Equal(t, uint64(4000), row.Accepted, "by the process that was started again")
			require.Equal(t, 1.0, *row.Quality.Completeness)
			require.Zero(t, s.missing(a.service))
		})
	}
}

func TestWhatTriflowCannotTakeInTimeIsCountedAndTold(t *testing.T) {
	s := startTriflow(t)
	e := exporterTo(t, s, "http")
	a := newApplication(t, "shutdown", e, processor.WithQueueSize(1024), processor.WithBatchSize(64))
	s.kill()
	a.work(100)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, a.spans.Shutdown(ctx), context.Canceled)
	require.Error(t, a.spans.Shutdown(t.Context()))
	stats := a.spans.Stats()
	require.Equal(t, uint64(200), stats.Offered)
	require.Equal(t, uint64(200), stats.Dropped.Total())
	s.start()
}
