package diagnosis

import (
	"fmt"
	"strings"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

// headline says in a line what a cause is.
func headline(c *diagnosisv1.Cause) string { return c.GetService() + " " + does(c.GetKind()) }

// does completes a sentence that begins with a service.
func does(kind diagnosisv1.CauseKind) string {
	switch kind {
	case diagnosisv1.CauseKind_CAUSE_KIND_SLOW:
		return "is slow"
	case diagnosisv1.CauseKind_CAUSE_KIND_FAILING:
		return "fails"
	case diagnosisv1.CauseKind_CAUSE_KIND_SATURATED:
		return "is saturated"
	case diagnosisv1.CauseKind_CAUSE_KIND_CONTEXT_LOST:
		return "loses the trace context"
	case diagnosisv1.CauseKind_CAUSE_KIND_RETRY_STORM:
		return "repeats its calls"
	case diagnosisv1.CauseKind_CAUSE_KIND_TRAFFIC:
		return "gets more requests than before"
	}
	return "is in trouble"
}

// meaning says what must have happened, in a clause.
func meaning(kind diagnosisv1.CauseKind) string {
	switch kind {
	case diagnosisv1.CauseKind_CAUSE_KIND_SLOW:
		return "its own work takes longer, and those who wait for it wait longer"
	case diagnosisv1.CauseKind_CAUSE_KIND_FAILING:
		return "it fails by itself, and its errors come back to those who asked"
	case diagnosisv1.CauseKind_CAUSE_KIND_SATURATED:
		return "a resource of it is used up, so requests queue"
	case diagnosisv1.CauseKind_CAUSE_KIND_CONTEXT_LOST:
		return "those it calls find no parent and start traces of their own"
	case diagnosisv1.CauseKind_CAUSE_KIND_RETRY_STORM:
		return "one request of it has become many calls"
	case diagnosisv1.CauseKind_CAUSE_KIND_TRAFFIC:
		return "the requests come from outside and go all the way down"
	}
	return "it explains the anomalies"
}

// explain puts a cause in a sentence or two.
func explain(s *suspect, shown []*anomalyv1.Anomaly, missing int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s.", s.service, does(s.kind), meaning(s.kind))
	if len(shown) > 0 {
		fmt.Fprintf(&b, " It explains %s, among them: %s", counted(len(shown), "anomaly", "anomalies"), statement(shown[0]))
		if missing > 0 {
			fmt.Fprintf(&b, "; %s that would be likely did not come", counted(missing, "symptom", "symptoms"))
		}
		b.WriteString(".")
	}
	return b.String()
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// statement says what a series did.
func statement(a *anomalyv1.Anomaly) string {
	verb := "rose"
	if a.GetDirection() == anomalyv1.Direction_DIRECTION_DOWN {
		verb = "fell"
	}
	return fmt.Sprintf("%s %s from %s to %s", measured(a.GetSeries()), verb, value(a, a.GetExpected()), value(a, a.GetValue()))
}

// measured names a series for people.
func measured(s *anomalyv1.Series) string {
	l := s.GetLabels()
	names := map[string]string{
		cause.RequestRate: "requests of %s", cause.ErrorRatio: "error ratio of %s", cause.Latency: "latency (p90) of %s",
		cause.SelfTime: "time of its own (p90) of %s", cause.OwnError: "ratio of own errors of %s",
		cause.RootRatio: "share of requests without a parent at %s",
		cause.EdgeRate:  "calls from %s to %s", cause.EdgeError: "error ratio of calls from %s to %s",
		cause.EdgeLatency: "latency (p90) of calls from %s to %s", cause.EdgeFanout: "calls for each request from %s to %s",
		cause.TemplateRate: "records of a log template of %s",
	}
	format, known := names[s.GetName()]
	switch {
	case !known:
		return s.GetName() + " of " + l["service"]
	case strings.Count(format, "%s") == 2:
		return fmt.Sprintf(format, l["client"], l["server"])
	}
	return fmt.Sprintf(format, l["service"])
}

// value writes a value in the unit of its series.
func value(a *anomalyv1.Anomaly, v float64) string {
	name := a.GetSeries().GetName()
	switch {
	case strings.HasSuffix(name, ".p90"):
		if v < 1 {
			return fmt.Sprintf("%.3g ms", v*1000)
		}
		return fmt.Sprintf("%.3g s", v)
	case strings.HasSuffix(name, ".ratio"), strings.HasSuffix(name, ".utilization"):
		return fmt.Sprintf("%.3g %%", v*100)
	case strings.HasSuffix(name, ".rate"):
		return fmt.Sprintf("%.3g/s", v)
	}
	return fmt.Sprintf("%.3g", v)
}
