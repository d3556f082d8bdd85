package anomaly

import (
	"context"
	"fmt"
	"time"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/handoff"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	"github.com/triflow/triflow/services/anomaly/internal/detect"
)

// maxAhead is how far a point may lie behind its arrival; a clock further ahead would make all later points late.
const maxAhead = time.Minute

// Push takes a batch of OTLP metrics; see handoff.Receiver. It judges them in the caller's goroutine. A batch that came
// before changes nothing. A payload that is no metrics request is dropped and counted: sent again it would be no better.
// After the end of Run the error is ErrStopped.
func (s *Service) Push(ctx context.Context, b handoff.Batch) error {
	if b.Signal != handoffv1.Signal_SIGNAL_METRICS {
		return handoff.Final(fmt.Errorf("push %s/%d: signal %v, want metrics", b.Sender, b.Position, b.Signal))
	}
	req := &collectorv1.ExportMetricsServiceRequest{}
	if err := proto.Unmarshal(b.Payload, req); err != nil {
		s.deps.Log.Error("metrics batch dropped", "sender", b.Sender, "position", b.Position, "error", err)
		req = &collectorv1.ExportMetricsServiceRequest{}
	}
	if b.ReceiveTime.IsZero() {
		b.ReceiveTime = s.deps.Now()
	}
	if err := s.measure(ctx, b, req); err != nil {
		return fmt.Errorf("push %s/%d: %w", b.Sender, b.Position, err)
	}
	b.Done()
	return nil
}

func (s *Service) measure(ctx context.Context, b handoff.Batch, req *collectorv1.ExportMetricsServiceRequest) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.stopped {
		return ErrStopped
	}
	var changed []*anomalyv1.Anomaly
	s.mu.Lock()
	readings, ignored := s.meter.Read(req, b.ReceiveTime.Add(maxAhead).UnixNano())
	for _, r := range readings {
		taken, m := s.add(&anomalyv1.Series{Name: r.Name, Labels: r.Labels}, r.Kind, detect.Point{At: r.At, Value: r.Value, Weight: r.Weight})
		if !taken {
			ignored++
		}
		if m != nil {
			changed = append(changed, m)
		}
	}
	s.mu.Unlock()
	s.ignored.Add(ctx, int64(ignored))
	return s.put(changed)
}
