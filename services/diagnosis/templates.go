package diagnosis

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

const (
	// maxTemplates is how many templates are shown, templateRows how many are looked at.
	maxTemplates, templateRows = 3, 1000
	// warning is the least severity number of a new template worth showing.
	warning = 13
)

// logEvidence gives what the service says in its logs more often than before, or for the first time.
func (s *Service) logEvidence(ctx context.Context, a *argument, suspect *suspect) ([]*diagnosisv1.Evidence, error) {
	known, err := s.templates(ctx, &logsv1.ListTemplatesRequest{Service: suspect.service, PageSize: templateRows})
	if err != nil {
		return nil, err
	}
	more := a.louder(suspect.service)
	var out []*diagnosisv1.Evidence
	rank := map[*diagnosisv1.Evidence]float64{}
	since := timestamppb.New(a.file.group.Start.Add(-lead)).AsTime()
	for _, t := range known {
		fact := &diagnosisv1.Evidence_LogTemplate{LogTemplate: &diagnosisv1.LogTemplateEvidence{TemplateId: t.GetId(), Template: t.GetTemplate()}}
		e := &diagnosisv1.Evidence{Fact: fact}
		fresh := t.GetMaxSeverityNumber() >= warning && !t.GetFirstTime().AsTime().Before(since)
		switch anomaly := more[t.GetId()]; {
		case fresh:
			e.Statement = fmt.Sprintf("%s logs for the first time: %s", suspect.service, t.GetTemplate())
			rank[e] = float64(t.GetMaxSeverityNumber()) * 1000
		case anomaly != nil:
			e.Statement = fmt.Sprintf("%s logs more often (%s, before %s): %s", suspect.service,
				value(anomaly, anomaly.GetValue()), value(anomaly, anomaly.GetExpected()), t.GetTemplate())
			rank[e] = anomaly.GetScore()
		default:
			continue
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(x, y *diagnosisv1.Evidence) int { return cmp.Compare(rank[y], rank[x]) })
	return out[:min(len(out), maxTemplates)], nil
}

// louder gives the upward anomalies of the service's templates that overlap the incident, by template.
func (a *argument) louder(service string) map[string]*anomalyv1.Anomaly {
	out := map[string]*anomalyv1.Anomaly{}
	for _, anomaly := range a.seen {
		l := anomaly.GetSeries().GetLabels()
		if anomaly.GetSeries().GetName() != cause.TemplateRate || l["service"] != service || !member(anomaly).Up {
			continue
		}
		if end := anomaly.GetEndTime(); end == nil || !end.AsTime().Before(a.file.group.Start) {
			out[l["template_id"]] = anomaly
		}
	}
	return out
}

func (s *Service) templates(ctx context.Context, in *logsv1.ListTemplatesRequest) ([]*logsv1.LogTemplate, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := s.deps.Logs.ListTemplates(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("list log templates of %s: %w", in.GetService(), err)
	}
	return out.GetTemplates(), nil
}
