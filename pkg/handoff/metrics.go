package handoff

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"
)

// metrics count what a server sees on the way of the batches.
type metrics struct {
	received, duplicates, gaps, reordered, corrupt, refused metric.Int64Counter
}

func newMetrics(m metric.Meter) (*metrics, error) {
	var faults []error
	counter := func(name, help string) metric.Int64Counter {
		c, err := m.Int64Counter("triflow.handoff."+name, metric.WithUnit("{batch}"), metric.WithDescription(help))
		faults = append(faults, err)
		return c
	}
	out := &metrics{
		received:   counter("received", "Batches given to the receiver."),
		duplicates: counter("duplicates", "Batches whose sequence number came before on the stream."),
		gaps:       counter("gaps", "Batches that came though the one before did not."),
		reordered:  counter("reordered", "Batches behind one with a higher position."),
		corrupt:    counter("corrupt", "Batches with a wrong digest."),
		refused:    counter("refused", "Batches of another signal."),
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("make instruments: %w", err)
	}
	return out, nil
}
