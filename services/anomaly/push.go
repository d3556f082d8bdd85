package anomaly

import (
	"context"
	"fmt"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// Push takes a batch of OTLP metrics; see handoff.Receiver. It judges them in the caller's goroutine. A batch that came
// before changes nothing, since its points are known or later ones of their streams are. A payload that is no
// metrics request is dropped and counted: sent again it would be no better. After the end of Run the error is ErrStopped.
func (s *Service) Push(ctx context.Context, b handoff.Batch) error {
	if b.Signal != handoffv1.Signal_SIGNAL_METRICS {
		return handoff.Final(fmt.Errorf("push %s/%d: signal %v, want metrics", b.Sender, b.Position, b.Signal))
	}
	in := input{received: b.ReceiveTime, metrics: &collectorv1.ExportMetricsServiceRequest{}}
	if in.received.IsZero() {
		in.received = s.deps.Now()
	}
	if err := proto.Unmarshal(b.Payload, in.metrics); err != nil {
		s.metrics.undecodable.Add(ctx, 1)
		s.deps.Log.Error("metrics batch dropped", "sender", b.Sender, "position", b.Position, "error", err)
		in.metrics = nil
	}
	if _, err := s.take(ctx, in); err != nil {
		return fmt.Errorf("push %s/%d: %w", b.Sender, b.Position, err)
	}
	b.Done()
	return nil
}
