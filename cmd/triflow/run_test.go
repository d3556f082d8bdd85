package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// order notes in which order parts end.
type order struct {
	mu    sync.Mutex
	ended []string
}

func (o *order) part(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = append(o.ended, name)
		return nil
	}
}

func TestPartsEndStageByStage(t *testing.T) {
	var o order
	p := &process{log: slog.New(slog.DiscardHandler)}
	p.add(deciders, "sampling", o.part("sampling"), nil)
	p.add(first, "gateway", o.part("gateway"), nil)
	p.add(last, "admin", o.part("admin"), nil)
	p.add(workers, "assembly", o.part("assembly"), nil)
	p.add(intake, "ingestion", o.part("ingestion"), nil)
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(t, p.run(ctx, cancel))
	require.Equal(t, []string{"gateway", "ingestion", "assembly", "sampling", "admin"}, o.ended)
}

func TestAPartThatFailsEndsTheOthersInOrder(t *testing.T) {
	var o order
	p := &process{log: slog.New(slog.DiscardHandler)}
	broken := errors.New("disk is gone")
	p.add(judges, "anomaly", func(context.Context) error { return broken }, nil)
	p.add(first, "gateway", o.part("gateway"), nil)
	p.add(deciders, "sampling", o.part("sampling"), nil)
	err := p.run(context.Background(), func() {})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "anomaly: ")
	require.True(t, slices.Equal([]string{"gateway", "sampling"}, o.ended))
}

func TestAPartThatEndsBeforeItsTimeIsAFailure(t *testing.T) {
	p := &process{log: slog.New(slog.DiscardHandler)}
	p.add(workers, "logs", func(context.Context) error { return nil }, nil)
	require.ErrorContains(t, p.run(context.Background(), func() {}), "logs: ended before its time")
}
