package assembly

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/settings"
)

func TestAServiceOnARealDiskGoesOnWhereItEnded(t *testing.T) {
	cfg := settings.Defaults[Config]()
	cfg.Quiet = 100 * time.Millisecond
	deps := Deps{
		Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: time.Now, Dir: t.TempDir(), Sampling: newVoter(), Anomaly: new(watcher),
	}
	for position := range uint64(2) {
		s, err := New(cfg, deps)
		require.NoError(t, err)
		s.Register(grpc.NewServer())
		require.Error(t, s.Ready())
		ctx, cancel := context.WithCancel(context.Background())
		ended, done := make(chan error), make(chan struct{})
		go func() { ended <- s.Run(ctx) }()
		require.NoError(t, s.Push(ctx, handoff.Batch{
			Sender: "a", Position: position + 1, Items: 4, Signal: handoffv1.Signal_SIGNAL_TRACES,
			Payload: payload(t, shop(position)...), Done: func() { close(done) },
		}))
		<-done
		require.Equal(t, 4*(position+1), s.ledger().GetKept())
		require.NoError(t, s.Ready())
		cancel()
		require.NoError(t, <-ended)
	}
}

func TestAFaultyConfigurationIsRefused(t *testing.T) {
	_, err := New(Config{}, Deps{})
	require.ErrorContains(t, err, "assembly.quiet")
}
