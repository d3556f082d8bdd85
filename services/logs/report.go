package logs

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
)

// maxObserve is how many points one Observe carries.
const maxObserve = 5000

// step ends a step of the rates and hands the samples to report. While the last ones are still on their way these are
// dropped and counted: a late rate helps nobody.
func (s *Service) step(ctx context.Context, reports chan<- []sample) {
	s.mu.Lock()
	samples := s.catalog.advance(s.deps.Now())
	s.mu.Unlock()
	select {
	case reports <- samples:
	default:
		s.metrics.pointsLost.Add(ctx, int64(len(samples)))
	}
}

// report sends the samples of each step to anomaly, until reports is closed; once ctx has ended it sends no more.
func (s *Service) report(ctx context.Context, reports <-chan []sample) {
	for samples := range reports {
		points := s.points(samples, s.deps.Now())
		for len(points) > 0 {
			n := min(len(points), maxObserve)
			s.send(ctx, points[:n])
			points = points[n:]
		}
	}
}

func (s *Service) points(samples []sample, now time.Time) []*anomalyv1.Point {
	at := timestamppb.New(now)
	points := make([]*anomalyv1.Point, len(samples))
	for i, p := range samples {
		points[i] = &anomalyv1.Point{
			Series: &anomalyv1.Series{Name: "log.template.rate", Labels: map[string]string{
				"service": p.service, "template_id": p.template.String(), "severity": p.severity,
			}},
			Time:   at,
			Value:  float64(p.lines) / s.cfg.Step.Seconds(),
			Weight: float64(p.lines),
		}
	}
	return points
}

// send makes one call, bounded so that a silent neighbour costs no more than the rates of a step.
func (s *Service) send(ctx context.Context, points []*anomalyv1.Point) {
	ctx, cancel := context.WithTimeout(ctx, min(s.cfg.Step, 2*time.Second))
	defer cancel()
	if _, err := s.deps.Anomaly.Observe(ctx, &anomalyv1.ObserveRequest{Points: points}); err != nil {
		s.metrics.pointsLost.Add(ctx, int64(len(points)))
		s.deps.Log.Warn("template rates not taken", "points", len(points), "error", err)
	}
}
