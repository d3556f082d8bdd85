package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
	"github.com/triflow/triflow/services/diagnosis/internal/group"
)

const (
	// weighEvery is the pause between two weighings of an incident whose members stay the same.
	weighEvery = 5 * time.Second
	// maxAnomalies is how many anomalies are looked at, the latest.
	maxAnomalies = 2000
	pageOfThem   = 1000
)

// look is one round: read anomalies and graph, bring the incidents up to date, weigh their causes.
func (s *Service) look(ctx context.Context) error {
	now := s.deps.Now()
	graphErr := s.readGraph(ctx, now)
	seen, err := s.anomalies(ctx, now)
	if err != nil {
		return errors.Join(err, graphErr)
	}
	s.lookback = now
	latest := s.history.latest()
	var touched []*group.Incident
	for _, f := range s.cases {
		if !f.group.End.IsZero() { // its end could not be stored
			touched = append(touched, f.group)
		}
	}
	touched = append(touched, s.tracker.Step(now, translate(seen), latest.Near, func(start time.Time) string {
		return id.New(start, s.deps.Rand())
	})...)
	errs := []error{graphErr}
	for _, g := range touched {
		errs = append(errs, s.bring(ctx, g, seen, now))
	}
	s.show()
	return errors.Join(errs...)
}

// anomalies gives those that are open, or ended so lately that they still matter, by id.
func (s *Service) anomalies(ctx context.Context, now time.Time) (map[string]*anomalyv1.Anomaly, error) {
	since := now
	if !s.lookback.IsZero() && s.lookback.Before(now) {
		since = s.lookback
	}
	out := map[string]*anomalyv1.Anomaly{}
	in := &anomalyv1.ListAnomaliesRequest{StartTime: timestamppb.New(since.Add(-s.cfg.Window - s.cfg.Quiet)), PageSize: pageOfThem}
	for len(out) < maxAnomalies {
		page, err := s.anomalyPage(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, a := range page.GetAnomalies() {
			out[a.GetId()] = a
		}
		if in.PageToken = page.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	return out, nil
}

func (s *Service) anomalyPage(ctx context.Context, in *anomalyv1.ListAnomaliesRequest) (*anomalyv1.ListAnomaliesResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	page, err := s.deps.Anomaly.ListAnomalies(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("list anomalies: %w", err)
	}
	return page, nil
}

// bring brings the stored incident up to its group.
func (s *Service) bring(ctx context.Context, g *group.Incident, seen map[string]*anomalyv1.Anomaly, now time.Time) error {
	f := s.cases[g.ID]
	if f == nil {
		f = newFile(g)
		before := s.history.before(g.Start)
		if err := s.graphs.Put(g.ID, before.raw); err != nil {
			return fmt.Errorf("store graph of incident %s: %w", g.ID, err)
		}
		f.graph = before.graph
		s.cases[g.ID] = f
	}
	f.follow(seen)
	var err error
	if g.End.IsZero() && (g.Changed || now.Sub(f.weighed) >= weighEvery) {
		f.weighed = now
		err = s.weigh(ctx, f, seen)
	}
	next := f.message()
	if proto.Equal(next, f.record) {
		return err
	}
	return errors.Join(err, s.put(f, next, now))
}

// put stores the incident as it is now.
func (s *Service) put(f *file, next *diagnosisv1.Incident, now time.Time) error {
	stored := proto.CloneOf(next)
	stored.UpdateTime = timestamppb.New(now)
	if err := s.table.Put(stored.GetId(), stored); err != nil {
		return fmt.Errorf("store incident %s: %w", stored.GetId(), err)
	}
	if next.GetState() != f.record.GetState() {
		s.metrics.incidents.Add(context.Background(), 1, metric.WithAttributes(attribute.Bool("open", f.group.End.IsZero())))
	}
	f.record = next
	if !f.group.End.IsZero() {
		delete(s.cases, f.group.ID)
	}
	if s.deps.OnChange != nil {
		s.deps.OnChange("incident", stored.GetId())
	}
	return nil
}

// translate puts anomalies in the terms of the groups, oldest first.
func translate(seen map[string]*anomalyv1.Anomaly) []group.Anomaly {
	out := make([]group.Anomaly, 0, len(seen))
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, member(seen[key]))
	}
	return out
}

func member(a *anomalyv1.Anomaly) group.Anomaly {
	symptom, _ := cause.SymptomOf(a.GetSeries().GetName(), a.GetSeries().GetLabels())
	m := group.Anomaly{
		ID: a.GetId(), Series: seriesKey(a.GetSeries()), Symptom: symptom,
		Service: a.GetService(), Client: a.GetSeries().GetLabels()["client"],
		Up: a.GetDirection() == anomalyv1.Direction_DIRECTION_UP, Score: a.GetScore(),
		Start: a.GetStartTime().AsTime(), Last: a.GetLastTime().AsTime(),
	}
	if a.GetEndTime() != nil {
		m.End = a.GetEndTime().AsTime()
	}
	return m
}

// seriesKey identifies a series.
func seriesKey(s *anomalyv1.Series) string {
	key := s.GetName()
	for _, label := range slices.Sorted(maps.Keys(s.GetLabels())) {
		key += fmt.Sprintf(" %s=%q", label, s.GetLabels()[label])
	}
	return key
}
