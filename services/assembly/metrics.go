package assembly

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments of the service. The ledger is observed, so that it is the same here and in the API.
type metrics struct {
	repeated, askFailures, conflicts, pointsLost, expired metric.Int64Counter
}

func newMetrics(m metric.Meter, s *Service) (*metrics, error) {
	var faults []error
	counter := func(name, unit, help string) metric.Int64Counter {
		c, err := m.Int64Counter("triflow.assembly."+name, metric.WithUnit(unit), metric.WithDescription(help))
		faults = append(faults, err)
		return c
	}
	out := &metrics{
		repeated:    counter("batches.repeated", "{batch}", "Batches that came again though they were done or are in hand."),
		askFailures: counter("decide.failures", "{call}", "Calls for decisions that failed; their traces wait."),
		conflicts:   counter("decision.conflicts", "{trace}", "Late spans with an error of a trace that was decided against."),
		pointsLost:  counter("series.lost", "{point}", "Points that anomaly never got."),
		expired:     counter("store.expired", "{trace}", "Traces deleted for their age or for room."),
	}
	faults = append(faults, observeLedger(m, s), observeLoad(m, s))
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("make instruments: %w", err)
	}
	return out, nil
}

// observeLedger shows the balance of the spans.
func observeLedger(m metric.Meter, s *Service) error {
	spans, e1 := m.Int64ObservableGauge("triflow.assembly.ledger.spans", metric.WithUnit("{span}"),
		metric.WithDescription("Spans over the life of the store: received = kept + dropped + duplicates + pending."))
	traces, e2 := m.Int64ObservableGauge("triflow.assembly.ledger.traces", metric.WithUnit("{trace}"),
		metric.WithDescription("Traces kept, dropped and open."))
	if err := errors.Join(e1, e2); err != nil {
		return err
	}
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		b := s.accounts.balance()
		put := func(of metric.Int64Observable, n uint64, state string, more ...attribute.KeyValue) {
			o.ObserveInt64(of, int64(n), metric.WithAttributes(append(more, attribute.String("state", state))...))
		}
		put(spans, b.received, "received")
		put(spans, b.Kept, "kept")
		put(spans, b.Duplicates, "duplicate")
		put(spans, b.pending, "pending")
		for reason, n := range b.Dropped {
			put(spans, n, "dropped", attribute.String("reason", reason))
		}
		put(traces, b.TracesKept, "kept")
		put(traces, b.TracesDropped, "dropped")
		put(traces, uint64(s.openTraces()), "open")
		return nil
	}, spans, traces)
	return err
}

// observeLoad shows how near the bounds are.
func observeLoad(m metric.Meter, s *Service) error {
	used, e1 := m.Int64ObservableGauge("triflow.assembly.pending.size", metric.WithUnit("By"),
		metric.WithDescription("Memory of the batches that are not done; at max-pending-bytes ingestion waits."))
	overflow, e2 := m.Int64ObservableCounter("triflow.assembly.series.overflow", metric.WithUnit("{item}"),
		metric.WithDescription("What was counted as other, beyond max-services, max-operations or max-edges."))
	outside, e3 := m.Int64ObservableCounter("triflow.assembly.series.out_of_range", metric.WithUnit("{span}"),
		metric.WithDescription("Spans that ended more than an hour ago or in the future, and are in no series."))
	if err := errors.Join(e1, e2, e3); err != nil {
		return err
	}
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		bytes, _ := s.admission.read()
		o.ObserveInt64(used, bytes)
		s.bookMu.Lock()
		defer s.bookMu.Unlock()
		o.ObserveInt64(overflow, int64(s.book.Overflow()))
		o.ObserveInt64(outside, int64(s.outOfRange.Load()))
		return nil
	}, used, overflow, outside)
	return err
}
