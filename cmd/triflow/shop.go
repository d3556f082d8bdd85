package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/triflow/triflow/pkg/telemetry"
	"github.com/triflow/triflow/tilt/shop"
)

// shopCmd runs the demo shop as a process of its own.
type shopCmd struct {
	shop.Config
}

// Run runs it until ctx ends.
func (c *shopCmd) Run(ctx context.Context) error {
	s, err := shop.New(c.Config, telemetry.NewLogger(os.Stderr, slog.LevelInfo, "text"))
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
