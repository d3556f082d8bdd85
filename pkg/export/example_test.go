package export_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/handoff"
)

// A pump empties a log into two backends; the second one stands by.
func Example() {
	deliver := func(ctx context.Context, log handoff.Source) error {
		x, err := export.New(export.Config{
			Name: "tempo", Signal: traces,
			Endpoints: []export.Endpoint{
				{URL: "grpc://tempo-0:4317"},
				{
					URL: "https://tempo.example.com", Priority: 1, Headers: map[string]string{"X-Scope-OrgID": "acme"},
					Secrets: map[string]export.Secret{"Authorization": {Env: "TEMPO_TOKEN", Prefix: "Bearer "}},
				},
			},
		}, export.Deps{
			Now: time.Now, Rand: rand.Float64, Log: slog.Default(), LookupEnv: os.LookupEnv,
			OnFault: func(f export.Finding) { slog.Warn("fault", "kind", f.Kind, "subject", f.Subject) },
		})
		if err != nil {
			return err
		}
		p, err := handoff.NewPump(handoff.PumpConfig{Sender: "ingestion-0", Signal: traces, Log: log, Receiver: x})
		if err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return x.Run(ctx) })
		g.Go(func() error { return p.Run(ctx) })
		return g.Wait()
	}
	_ = deliver
}
