package anomaly

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments of the service.
type metrics struct {
	taken       metric.Int64Counter
	ignored     metric.Int64Counter
	unnoted     metric.Int64Counter
	undecodable metric.Int64Counter
	changes     metric.Int64Counter
	sizes       metric.Registration
}

// newMetrics makes the instruments; sizes is asked for the series followed and the anomalies open.
func newMetrics(m metric.Meter, sizes func() (series, open int64)) (*metrics, error) {
	var errs []error
	count := func(name, unit, help string) metric.Int64Counter {
		c, err := m.Int64Counter("triflow.anomaly."+name, metric.WithUnit(unit), metric.WithDescription(help))
		errs = append(errs, err)
		return c
	}
	gauge := func(name, unit, help string) metric.Int64ObservableGauge {
		g, err := m.Int64ObservableGauge("triflow.anomaly."+name, metric.WithUnit(unit), metric.WithDescription(help))
		errs = append(errs, err)
		return g
	}
	out := &metrics{
		taken:       count("points.taken", "{point}", "Points given to their series."),
		ignored:     count("points.ignored", "{point}", "Points that were late, not finite or beyond a limit."),
		unnoted:     count("points.unnoted", "{point}", "Points that a restart will not know, because the journal failed."),
		undecodable: count("batches.undecodable", "{batch}", "Batches that are no OTLP metrics request; they are dropped."),
		changes:     count("changes", "{change}", "Changes of anomalies stored: opened, grown or ended."),
	}
	series := gauge("series", "{series}", "Series followed.")
	open := gauge("open", "{anomaly}", "Anomalies that go on.")
	var err error
	out.sizes, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		n, going := sizes()
		o.ObserveInt64(series, n)
		o.ObserveInt64(open, going)
		return nil
	}, series, open)
	return out, errors.Join(append(errs, err)...)
}

// close ends the callback.
func (m *metrics) close() error { return m.sizes.Unregister() }
