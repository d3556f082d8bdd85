package ingestion

import (
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/triflow/triflow/pkg/otlp"
)

// metrics are the instruments of the service.
type metrics struct {
	accepted, refused metric.Int64Counter
	of                [3]metric.MeasurementOption // by signal
}

func newMetrics(m metric.Meter) (*metrics, error) {
	accepted, err1 := m.Int64Counter("triflow.ingestion.accepted", metric.WithUnit("{item}"), metric.WithDescription("Items made durable."))
	refused, err2 := m.Int64Counter("triflow.ingestion.refused", metric.WithUnit("{item}"), metric.WithDescription("Faulty items."))
	out := &metrics{accepted: accepted, refused: refused}
	for s := range out.of {
		out.of[s] = metric.WithAttributeSet(attribute.NewSet(attribute.String("signal", otlp.Signal(s).String())))
	}
	return out, errors.Join(err1, err2)
}
