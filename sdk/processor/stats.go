package processor

import (
	"context"
	"fmt"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/triflow/triflow/sdk/pressure"
)

const scope = "github.com/triflow/triflow/sdk/processor"

// counts is what happened since New, in spans. OnEnd writes queueFull and late (after Shutdown), the worker exported, failed
// and left (in the queue when Shutdown gave up).
type counts struct {
	queueFull, late, exported, failed, left atomic.Uint64
}

// Stats is what a processor did since New, in spans.
// Invariant, when no export is under way: Offered = Exported + Dropped.Total() + Queued.
type Stats struct {
	Offered  uint64 // sampled spans that ended
	Exported uint64
	Dropped  Dropped
	Queued   int
	Capacity int // of the queue
}

// Dropped counts lost spans by reason, see the package documentation.
type Dropped struct {
	QueueFull, ExportFailed, Shutdown uint64
}

// Total is the number of lost spans.
func (d Dropped) Total() uint64 { return d.QueueFull + d.ExportFailed + d.Shutdown }

// Stats returns the counts so far. While spans end and are exported they are of slightly different moments.
func (p *Processor) Stats() Stats {
	full, late := p.counts.queueFull.Load(), p.counts.late.Load()
	return Stats{
		Offered:  p.ring.Accepted() + full + late,
		Exported: p.counts.exported.Load(),
		Dropped:  Dropped{QueueFull: full, ExportFailed: p.counts.failed.Load(), Shutdown: late + p.counts.left.Load()},
		Queued:   p.ring.Len(),
		Capacity: p.ring.Cap(),
	}
}

// Pressure returns the state of the queue and of the exports for who can do something about it: the adaptive sampler of
// package sampler, the exporter of package degrade.
func (p *Processor) Pressure() pressure.Reading {
	s := p.Stats()
	return pressure.Reading{Fill: float64(s.Queued) / float64(s.Capacity), Lost: s.Dropped.Total()}
}

// observe registers the metrics, if there is a provider for them. They cost nothing until they are collected.
func (p *Processor) observe() (metric.Registration, error) {
	if p.meters == nil {
		return nil, nil
	}
	meter := p.meters.Meter(scope)
	var faults [4]error
	counter := func(i int, name, description string) metric.Int64ObservableCounter {
		c, err := meter.Int64ObservableCounter(name, metric.WithUnit("{span}"), metric.WithDescription(description))
		faults[i] = err
		return c
	}
	offered := counter(0, "triflow.processor.spans.offered", "Sampled spans that ended.")
	exported := counter(1, "triflow.processor.spans.exported", "Spans that the exporter took.")
	dropped := counter(2, "triflow.processor.spans.dropped", "Spans that were lost, by reason.")
	queued, err := meter.Int64ObservableGauge("triflow.processor.queue.size", metric.WithUnit("{span}"), metric.WithDescription("Spans that wait for export."))
	faults[3] = err
	for _, err := range faults {
		if err != nil {
			return nil, fmt.Errorf("make instruments: %w", err)
		}
	}
	reason := func(r string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attribute.String("reason", r)))
	}
	full, failed, shutdown := reason("queue_full"), reason("export_failed"), reason("shutdown")
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := p.Stats()
		o.ObserveInt64(offered, int64(s.Offered))
		o.ObserveInt64(exported, int64(s.Exported))
		o.ObserveInt64(dropped, int64(s.Dropped.QueueFull), full)
		o.ObserveInt64(dropped, int64(s.Dropped.ExportFailed), failed)
		o.ObserveInt64(dropped, int64(s.Dropped.Shutdown), shutdown)
		o.ObserveInt64(queued, int64(s.Queued))
		return nil
	}, offered, exported, dropped, queued)
}
