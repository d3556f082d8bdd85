package remediation

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments of the service.
type metrics struct {
	plans  metric.Int64Counter
	steps  metric.Int64Counter
	faults metric.Int64Counter
}

func newMetrics(m metric.Meter) (*metrics, error) {
	plans, err1 := m.Int64Counter("triflow.remediation.plans", metric.WithUnit("{plan}"), metric.WithDescription("Plans that came to a state."))
	steps, err2 := m.Int64Counter("triflow.remediation.steps", metric.WithUnit("{step}"), metric.WithDescription("Steps that ended, by kind and outcome."))
	faults, err3 := m.Int64Counter("triflow.remediation.reviews.failed", metric.WithUnit("{review}"), metric.WithDescription("Looks at the incidents that failed."))
	return &metrics{plans, steps, faults}, errors.Join(err1, err2, err3)
}
