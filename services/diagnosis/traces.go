package diagnosis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

const (
	// lead is how long before its first anomalous point an incident may have begun: points are whole steps.
	lead = 10 * time.Second
	// maxTraces is how many traces are shown, traceRows how many are chosen from.
	maxTraces, traceRows = 2, 50
	// maxCallers is how many callers are asked about when no trace of the service was kept.
	maxCallers = 3
)

// traceEvidence finds kept traces that show the fault: those that should show it best first, then any of the service,
// then any of its callers.
func (s *Service) traceEvidence(ctx context.Context, a *argument, suspect *suspect) ([]*diagnosisv1.Evidence, error) {
	for _, in := range a.questions(suspect) {
		found, err := s.traces(ctx, in)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		best(found, suspect)
		var out []*diagnosisv1.Evidence
		for _, t := range found[:min(len(found), maxTraces)] {
			out = append(out, &diagnosisv1.Evidence{
				Statement: tell(t),
				Fact:      &diagnosisv1.Evidence_Trace{Trace: &diagnosisv1.TraceEvidence{TraceId: t.GetTraceId()}},
			})
		}
		return out, nil
	}
	return nil, nil
}

// questions gives the searches, best first.
func (a *argument) questions(s *suspect) []*assemblyv1.SearchTracesRequest {
	ask := func(service string) *assemblyv1.SearchTracesRequest {
		return &assemblyv1.SearchTracesRequest{
			Service: service, StartTime: timestamppb.New(a.file.group.Start.Add(-lead)), PageSize: traceRows,
		}
	}
	callers := a.graph.Callers(s.service)
	services := append([]string{s.service}, callers[:min(len(callers), maxCallers)]...)
	if s.kind == diagnosisv1.CauseKind_CAUSE_KIND_CONTEXT_LOST {
		services = append(a.graph.Callees(s.service), services...)
	}
	var out []*assemblyv1.SearchTracesRequest
	for _, service := range services {
		if in := ask(service); a.sharpen(in, s) {
			out = append(out, in)
		}
	}
	for _, service := range services {
		out = append(out, ask(service))
	}
	return out
}

// sharpen narrows a search to what should show the fault, and tells whether it could.
func (a *argument) sharpen(in *assemblyv1.SearchTracesRequest, s *suspect) bool {
	switch s.kind {
	case diagnosisv1.CauseKind_CAUSE_KIND_FAILING, diagnosisv1.CauseKind_CAUSE_KIND_RETRY_STORM:
		in.Status = assemblyv1.StatusFilter_STATUS_FILTER_ERROR
	case diagnosisv1.CauseKind_CAUSE_KIND_SLOW, diagnosisv1.CauseKind_CAUSE_KIND_SATURATED:
		in.MinDuration = durationpb.New(a.slowness(s.service))
	default:
		return false
	}
	return true
}

// slowness is a duration that requests of the service have now and had not before.
func (a *argument) slowness(service string) time.Duration {
	seconds := 0.0
	for symptom, anomaly := range a.risen {
		if symptom.Server == service && symptom.Family() == cause.Slow {
			seconds = max(seconds, (anomaly.GetValue()+anomaly.GetExpected())/2)
		}
	}
	return time.Duration(seconds * float64(time.Second))
}

func (s *Service) traces(ctx context.Context, in *assemblyv1.SearchTracesRequest) ([]*assemblyv1.TraceSummary, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := s.deps.Assembly.SearchTraces(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("search traces of %s: %w", in.GetService(), err)
	}
	return out.GetTraces(), nil
}

// best puts first the traces that show the fault best; of equals, the newest.
func best(found []*assemblyv1.TraceSummary, s *suspect) {
	slices.SortStableFunc(found, func(a, b *assemblyv1.TraceSummary) int { return clarity(b, s) - clarity(a, s) })
}

// clarity tells how well a trace shows the fault, in a number to compare.
func clarity(t *assemblyv1.TraceSummary, s *suspect) int {
	switch s.kind {
	case diagnosisv1.CauseKind_CAUSE_KIND_FAILING:
		if strings.HasPrefix(t.GetError(), s.service+":") {
			return 1
		}
		return 0
	case diagnosisv1.CauseKind_CAUSE_KIND_RETRY_STORM:
		return int(t.GetErrorCount())
	case diagnosisv1.CauseKind_CAUSE_KIND_CONTEXT_LOST:
		if slices.Contains(t.GetServices(), s.service) {
			return 0
		}
		return 1
	}
	return int(t.GetDuration().AsDuration())
}

// tell says what a trace is.
func tell(t *assemblyv1.TraceSummary) string {
	text := fmt.Sprintf("%s of %s took %v", t.GetRootOperation(), t.GetRootService(), t.GetDuration().AsDuration().Round(100*time.Microsecond))
	if t.GetError() != "" {
		text += ", with the error " + t.GetError()
	}
	return text
}
