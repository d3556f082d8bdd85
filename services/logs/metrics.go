package logs

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments of the service.
type metrics struct {
	records     metric.Int64Counter
	duplicates  metric.Int64Counter
	undecodable metric.Int64Counter
	swept       metric.Int64Counter
	pointsLost  metric.Int64Counter
	group       metric.Int64Histogram
	commit      metric.Float64Histogram
}

// newMetrics makes the instruments; observe is asked for records, bytes and templates held.
func newMetrics(m metric.Meter, observe func() (records, bytes, templates int64)) (*metrics, error) {
	var errs []error
	count := func(name, unit, help string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(help))
		errs = append(errs, err)
		return c
	}
	gauge := func(name, unit, help string) metric.Int64ObservableGauge {
		g, err := m.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(help))
		errs = append(errs, err)
		return g
	}
	out := &metrics{
		records:     count("triflow.logs.records", "{record}", "Records stored and counted."),
		duplicates:  count("triflow.logs.batches.duplicate", "{batch}", "Batches that were applied before."),
		undecodable: count("triflow.logs.batches.undecodable", "{batch}", "Batches that are no OTLP logs request; they are dropped."),
		swept:       count("triflow.logs.records.swept", "{record}", "Records deleted by age or size."),
		pointsLost:  count("triflow.logs.points.lost", "{point}", "Template rates that anomaly did not take."),
	}
	var err error
	out.group, err = m.Int64Histogram("triflow.logs.commit.batches", metric.WithUnit("{batch}"), metric.WithDescription("Batches in a commit."))
	errs = append(errs, err)
	out.commit, err = m.Float64Histogram("triflow.logs.commit.duration", metric.WithUnit("s"), metric.WithDescription("Time of a synced commit."))
	errs = append(errs, err)
	stored := gauge("triflow.logs.stored.records", "{record}", "Records in the store.")
	size := gauge("triflow.logs.stored.size", "By", "Bytes of the stored records before compression.")
	templates := gauge("triflow.logs.templates", "{template}", "Templates held.")
	_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		r, b, t := observe()
		o.ObserveInt64(stored, r)
		o.ObserveInt64(size, b)
		o.ObserveInt64(templates, t)
		return nil
	}, stored, size, templates)
	return out, errors.Join(append(errs, err)...)
}
