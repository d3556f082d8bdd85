package diagnosis

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments of the service.
type metrics struct {
	incidents metric.Int64Counter
	faults    metric.Int64Counter
}

func newMetrics(m metric.Meter) (*metrics, error) {
	incidents, err1 := m.Int64Counter("triflow.diagnosis.incidents", metric.WithUnit("{incident}"), metric.WithDescription("Incidents that came to a state."))
	faults, err2 := m.Int64Counter("triflow.diagnosis.looks.failed", metric.WithUnit("{look}"), metric.WithDescription("Looks at the anomalies that failed."))
	return &metrics{incidents, faults}, errors.Join(err1, err2)
}
