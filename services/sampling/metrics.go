package sampling

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/triflow/triflow/services/sampling/internal/decide"
)

// metrics are the instruments of the service. The leader counts what it proposed; every voter counts what it passed on.
type metrics struct {
	decisions  metric.Int64Counter
	entrySize  metric.Int64Histogram
	commitTime metric.Float64Histogram
	forwarded  metric.Int64Counter
}

func newMetrics(m metric.Meter, state *machine) (*metrics, error) {
	decisions, err1 := m.Int64Counter("triflow.sampling.decisions", metric.WithUnit("{decision}"), metric.WithDescription("Decisions taken, by verdict."))
	size, err2 := m.Int64Histogram("triflow.sampling.entry.size", metric.WithUnit("{trace}"), metric.WithDescription("Traces of one log entry."),
		metric.WithExplicitBucketBoundaries(1, 3, 10, 30, 100, 300, 1000, 3000))
	commit, err3 := m.Float64Histogram("triflow.sampling.commit.duration", metric.WithUnit("s"), metric.WithDescription("From proposal to application."),
		metric.WithExplicitBucketBoundaries(.001, .002, .005, .01, .02, .05, .1, .2, .5, 1))
	forwarded, err4 := m.Int64Counter("triflow.sampling.forwarded", metric.WithUnit("{call}"), metric.WithDescription("Calls passed on to the leader."))
	_, err5 := m.Int64ObservableGauge("triflow.sampling.decisions.remembered", metric.WithUnit("{decision}"), metric.WithDescription("Decisions in the table."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			n, _ := state.size()
			o.Observe(int64(n))
			return nil
		}))
	return &metrics{decisions, size, commit, forwarded}, errors.Join(err1, err2, err3, err4, err5)
}

// committed counts an entry that was applied.
func (m *metrics) committed(ctx context.Context, answers []decide.Answer, took time.Duration) {
	var keep, drop int64
	for _, a := range answers {
		switch {
		case a.Fresh && a.Keep:
			keep++
		case a.Fresh:
			drop++
		}
	}
	m.decisions.Add(ctx, keep, metric.WithAttributes(attribute.String("verdict", "keep")))
	m.decisions.Add(ctx, drop, metric.WithAttributes(attribute.String("verdict", "drop")))
	m.entrySize.Record(ctx, int64(len(answers)))
	m.commitTime.Record(ctx, took.Seconds())
}
