package diagnosis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

const (
	// leastPast and leastPresent are how many points a series must have before and since the beginning of an incident
	// for its silence to mean something: anomaly needs the first to judge it and a few of the second to be sure.
	leastPast, leastPresent = 8, 3
	// past is how far before the beginning points are asked for; it holds more than leastPast steps.
	past = 90 * time.Second
	// maxSuspected is how many services are weighed as causes, so that a large incident does not hold up the others.
	maxSuspected = 100
	// leastConfidence is that of a cause worth naming.
	leastConfidence = 0.01
)

// watched are the series whose silence counts.
func watched() []string {
	return []string{
		cause.RequestRate, cause.ErrorRatio, cause.Latency, cause.SelfTime, cause.OwnError, cause.RootRatio,
		cause.EdgeRate, cause.EdgeError, cause.EdgeLatency, cause.EdgeFanout,
		"process.cpu.utilization", "container.cpu.utilization", "system.cpu.utilization", "system.memory.utilization",
	}
}

// suspect is a service and kind with all that its hypotheses have together.
type suspect struct {
	service    string
	kind       diagnosisv1.CauseKind
	confidence float64
	expect     map[cause.Symptom]float64 // of its most probable hypothesis
}

// weigh ranks the causes of an incident and gathers their evidence. After an error the causes stand on what is known.
func (s *Service) weigh(ctx context.Context, f *file, seen map[string]*anomalyv1.Anomaly) error {
	graph := f.graph
	if graph == nil {
		graph = s.history.latest().graph
	}
	symptoms, errSeries := s.judged(ctx, f.group.Start)
	risen := f.risen(seen)
	scores := map[string]float64{}
	for symptom, a := range risen {
		symptoms[symptom] = true
		if _, member := f.anomalies[a.GetId()]; !member {
			continue
		}
		scores[symptom.Server] = max(scores[symptom.Server], a.GetScore())
		if symptom.Client != "" {
			scores[symptom.Client] = max(scores[symptom.Client], a.GetScore())
		}
	}
	around := graph.Around(scores, maxSuspected)
	suspects := rank(graph, symptoms, func(node string) bool { return around[node] })
	suspects = suspects[:min(len(suspects), s.cfg.Causes)]
	causes, errEvidence := s.argue(ctx, &argument{f, graph, symptoms, risen, seen}, suspects)
	f.causes = causes
	return errors.Join(errSeries, errEvidence)
}

// rank gives the suspects worth naming, most probable first.
func rank(graph *cause.Graph, symptoms map[cause.Symptom]bool, keep func(string) bool) []*suspect {
	candidates := cause.Hypotheses(graph, symptoms, keep)
	type key struct {
		service string
		kind    diagnosisv1.CauseKind
	}
	merged := map[key]*suspect{}
	var out []*suspect
	for _, r := range cause.Rank(candidates, symptoms, cause.Usual()) {
		c := candidates[r.Candidate]
		k := key{c.Service, c.Kind}
		if merged[k] == nil {
			merged[k] = &suspect{service: c.Service, kind: c.Kind, expect: c.Expect}
			out = append(out, merged[k])
		}
		merged[k].confidence += r.Confidence
	}
	out = slices.DeleteFunc(out, func(s *suspect) bool { return s.confidence < leastConfidence })
	slices.SortStableFunc(out, func(a, b *suspect) int { return cmp.Compare(b.confidence, a.confidence) })
	return out
}

// risen gives the symptoms that are there: upward anomalies that overlap the incident, of one symptom the strongest.
func (f *file) risen(seen map[string]*anomalyv1.Anomaly) map[cause.Symptom]*anomalyv1.Anomaly {
	out := map[cause.Symptom]*anomalyv1.Anomaly{}
	note := func(a *anomalyv1.Anomaly) {
		m := member(a)
		if m.Up && m.Symptom != (cause.Symptom{}) && (out[m.Symptom] == nil || out[m.Symptom].GetScore() < a.GetScore()) {
			out[m.Symptom] = a
		}
	}
	for _, a := range f.anomalies {
		note(a)
	}
	for _, a := range seen {
		if a.GetEndTime() == nil || !a.GetEndTime().AsTime().Before(f.group.Start) {
			note(a)
		}
	}
	return out
}

// judged gives every symptom whose series exists and has been judged since the beginning, as not seen.
func (s *Service) judged(ctx context.Context, start time.Time) (map[cause.Symptom]bool, error) {
	out := map[cause.Symptom]bool{}
	for _, name := range watched() {
		series, err := s.series(ctx, name, start.Add(-past))
		if err != nil {
			return out, err
		}
		for _, row := range series {
			symptom, ok := cause.SymptomOf(row.GetSeries().GetName(), row.GetSeries().GetLabels())
			if ok && wasJudged(row.GetTimes(), start) {
				out[symptom] = false
			}
		}
	}
	return out, nil
}

func (s *Service) series(ctx context.Context, name string, from time.Time) ([]*anomalyv1.SeriesPoints, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := s.deps.Anomaly.QuerySeries(ctx, &anomalyv1.QuerySeriesRequest{Name: name, StartTime: timestamppb.New(from)})
	if err != nil {
		return nil, fmt.Errorf("query series %s: %w", name, err)
	}
	return out.GetSeries(), nil
}

func wasJudged(times []*timestamppb.Timestamp, start time.Time) bool {
	before, since := 0, 0
	for _, t := range times {
		if t.AsTime().Before(start) {
			before++
		} else {
			since++
		}
	}
	return before >= leastPast && since >= leastPresent
}
