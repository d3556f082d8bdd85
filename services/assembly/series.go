package assembly

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"

	"github.com/triflow/triflow/services/assembly/internal/red"
)

const (
	// observeSize is how many points go in one call, unsentMax how many wait for anomaly at most; the oldest go first.
	observeSize, unsentMax = 5000, 200_000
	observeTimeout         = 5 * time.Second
	seriesCheck            = 500 * time.Millisecond
)

// feed passes the figures of finished steps on to anomaly. One goroutine uses it.
type feed struct {
	next   time.Time // end of the step to pass on next
	unsent []*anomalyv1.Point
}

// observe passes on the steps that have ended by more than the grace. After an error the points wait for the next call.
func (s *Service) observe(ctx context.Context) error {
	now := s.deps.Now()
	f := &s.feed
	if f.next.IsZero() {
		// The step in which it starts is not whole: it would look like a fall in rate.
		f.next = now.Truncate(s.cfg.Step).Add(2 * s.cfg.Step)
	}
	if behind := now.Add(-red.Retention / 60); f.next.Before(behind) {
		f.next = behind.Truncate(s.cfg.Step) // the clock has jumped
	}
	for ; !f.next.Add(s.cfg.SeriesGrace).After(now); f.next = f.next.Add(s.cfg.Step) {
		s.bookMu.Lock()
		s.book.Forget(now)
		step := s.book.Step(f.next)
		s.bookMu.Unlock()
		f.unsent = append(f.unsent, points(step)...)
	}
	if over := len(f.unsent) - unsentMax; over > 0 {
		s.metrics.pointsLost.Add(ctx, int64(over))
		f.unsent = slices.Delete(f.unsent, 0, over)
	}
	for len(f.unsent) > 0 {
		n := min(len(f.unsent), observeSize)
		if err := s.send(ctx, f.unsent[:n]); err != nil {
			return err
		}
		f.unsent = slices.Delete(f.unsent, 0, n)
	}
	return nil
}

func (s *Service) send(ctx context.Context, points []*anomalyv1.Point) error {
	ctx, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	_, err := s.deps.Anomaly.Observe(ctx, &anomalyv1.ObserveRequest{Points: points})
	return err
}

// points makes the series of a step: see anomaly.proto for what each means.
func points(step red.Step) []*anomalyv1.Point {
	out := plotter{time: timestamppb.New(step.End), seconds: step.Length.Seconds()}
	requests := make(map[string]uint64)
	for i := range step.Nodes {
		n := &step.Nodes[i]
		requests[n.Name] = max(n.Requests, n.Done)
		if n.Kind == red.Service {
			out.node(n)
		}
	}
	for i := range step.Edges {
		out.edge(&step.Edges[i], requests[step.Edges[i].Client])
	}
	return out.points
}

// plotter collects points of one time.
type plotter struct {
	time    *timestamppb.Timestamp
	seconds float64
	points  []*anomalyv1.Point
}

func (p *plotter) node(n *red.NodeFigures) {
	labels := map[string]string{"service": n.Name}
	p.add("service.request.rate", labels, float64(n.Requests)/p.seconds, n.Requests)
	p.ratio("service.error.ratio", labels, n.Errors, n.Requests)
	p.quantile("service.latency.p90", labels, &n.Duration)
	p.quantile("service.self_time.p90", labels, &n.Self)
	p.ratio("service.own_error.ratio", labels, n.OwnErrors, n.Done)
	p.ratio("service.root.ratio", labels, n.Roots, n.Done)
}

func (p *plotter) edge(e *red.EdgeFigures, requests uint64) {
	labels := map[string]string{"client": e.Client, "server": e.Server}
	p.add("edge.request.rate", labels, float64(e.Requests)/p.seconds, e.Requests)
	p.ratio("edge.error.ratio", labels, e.Errors, e.Requests)
	p.quantile("edge.latency.p90", labels, &e.Duration)
	p.ratio("edge.fanout", labels, e.Requests, requests)
}

// ratio adds part/whole, unless there is nothing to divide by.
func (p *plotter) ratio(name string, labels map[string]string, part, whole uint64) {
	if whole > 0 {
		p.add(name, labels, float64(part)/float64(whole), whole)
	}
}

// quantile adds the 0.9-quantile in seconds, if there is one.
func (p *plotter) quantile(name string, labels map[string]string, s *red.Sketch) {
	if ns, ok := s.Quantile(0.9); ok {
		p.add(name, labels, ns/1e9, s.Count())
	}
}

func (p *plotter) add(name string, labels map[string]string, value float64, weight uint64) {
	p.points = append(p.points, &anomalyv1.Point{
		Series: &anomalyv1.Series{Name: name, Labels: labels}, Time: p.time, Value: value, Weight: float64(weight),
	})
}
