package diagnosis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

const (
	// supports is how probable a symptom must be under a cause to count as its evidence.
	supports = 0.2
	// maxSeries and maxEdges bound the evidence of one cause.
	maxSeries, maxEdges = 8, 5
)

// argument is what the evidence of an incident's causes is taken from.
type argument struct {
	file     *file
	graph    *cause.Graph
	symptoms map[cause.Symptom]bool               // that could have been seen, and which were
	risen    map[cause.Symptom]*anomalyv1.Anomaly // the anomalies of those that were
	seen     map[string]*anomalyv1.Anomaly        // of the last look, by id
}

// argue turns suspects into causes with evidence. Traces and logs are looked up for the first one only.
func (s *Service) argue(ctx context.Context, a *argument, suspects []*suspect) ([]*diagnosisv1.Cause, error) {
	var causes []*diagnosisv1.Cause
	var errs []error
	for i, suspect := range suspects {
		shown, edges, missing := a.evidence(suspect)
		c := &diagnosisv1.Cause{
			Service: suspect.service, Kind: suspect.kind, Confidence: suspect.confidence,
			Explanation: explain(suspect, shown, missing),
		}
		for _, anomaly := range shown[:min(len(shown), maxSeries)] {
			c.Evidence = append(c.Evidence, &diagnosisv1.Evidence{
				Statement: statement(anomaly), Fact: &diagnosisv1.Evidence_Series{Series: anomaly},
			})
		}
		c.Evidence = append(c.Evidence, edges[:min(len(edges), maxEdges)]...)
		if i == 0 {
			traces, err1 := s.traceEvidence(ctx, a, suspect)
			logs, err2 := s.logEvidence(ctx, a, suspect)
			c.Evidence = append(append(c.Evidence, traces...), logs...)
			errs = append(errs, err1, err2)
		}
		causes = append(causes, c)
	}
	return causes, errors.Join(errs...)
}

// evidence gives the anomalies that a suspect explains, strongest first, the edges that carried the fault, and how many
// probable symptoms did not come.
func (a *argument) evidence(s *suspect) (shown []*anomalyv1.Anomaly, edges []*diagnosisv1.Evidence, missing int) {
	weight := map[*anomalyv1.Anomaly]float64{}
	for symptom, p := range s.expect {
		anomaly := a.risen[symptom]
		if p < supports || anomaly == nil {
			continue
		}
		weight[anomaly] = p * anomaly.GetScore()
		if symptom.Server == s.service || symptom.Client == s.service {
			weight[anomaly] *= 10 // what happens at the service itself says most
		}
		shown = append(shown, anomaly)
	}
	slices.SortFunc(shown, func(x, y *anomalyv1.Anomaly) int {
		return cmp.Or(cmp.Compare(weight[y], weight[x]), cmp.Compare(x.GetId(), y.GetId()))
	})
	told := map[[2]string]bool{}
	for _, anomaly := range shown {
		l := anomaly.GetSeries().GetLabels()
		edge := [2]string{l["client"], l["server"]}
		if edge[0] == "" || told[edge] {
			continue
		}
		told[edge] = true
		edges = append(edges, &diagnosisv1.Evidence{
			Statement: fmt.Sprintf("the calls from %s to %s carried it", edge[0], edge[1]),
			Fact:      &diagnosisv1.Evidence_Edge{Edge: &diagnosisv1.EdgeEvidence{Client: edge[0], Server: edge[1]}},
		})
	}
	return shown, edges, a.absent(s)
}

// absent counts the symptoms that should probably be there and are not, of those that could have been seen.
func (a *argument) absent(s *suspect) (n int) {
	for symptom, p := range s.expect {
		if seen, known := a.symptoms[symptom]; known && !seen && p >= 0.5 {
			n++
		}
	}
	return n
}
