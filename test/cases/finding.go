package cases

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strings"

	collectortracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// quality checks the figures of a sender.
func quality(r *run, want any) (faults []error) {
	w, _ := want.(map[string]any)
	for word, value := range w {
		switch word {
		case "service":
		case "accuracy_violations":
			got, err := r.violations(fmt.Sprint(w["service"]))
			if err == nil {
				err = equal(got, value)
			}
			faults = append(faults, some(err)...)
		case "completeness_below_1":
			faults = append(faults, r.askTraces(func(t *trace) error { return equal(t.Summary.Completeness < 1, value) })...)
		default:
			faults = append(faults, unknown("quality "+word))
		}
	}
	return faults
}

// violations is how many items of a service had a fault or an impossible value.
func (r *run) violations(service string) (int, error) {
	var list struct {
		Senders []struct {
			Service, Accepted string
			Refused           []struct{ Items string }
			Quality           struct{ Accuracy *float64 }
		}
	}
	found, err := r.product.read("/api/v1/ingestion/senders?service="+url.QueryEscape(service), &list)
	if err != nil || !found || len(list.Senders) == 0 || list.Senders[0].Quality.Accuracy == nil {
		return 0, unanswered("quality accuracy_violations")
	}
	s := list.Senders[0]
	items := number(s.Accepted)
	for _, refused := range s.Refused {
		items += number(refused.Items)
	}
	return int(math.Round((1 - *s.Quality.Accuracy) * float64(items))), nil
}

// anomaly checks that a metric raised as many alerts as it should; its scores are finite if all that is told is JSON.
func anomaly(r *run, want any) (faults []error) {
	w, _ := want.(map[string]any)
	var list struct {
		Anomalies []struct{ Series struct{ Name string } }
	}
	if _, err := r.product.read("/api/v1/anomalies", &list); err != nil {
		return []error{err}
	}
	alerts := 0
	for _, a := range list.Anomalies {
		if a.Series.Name == w["metric"] {
			alerts++
		}
	}
	for word, value := range w {
		switch {
		case word == "metric":
		case word == "alerts":
			faults = append(faults, some(equal(alerts, value))...)
		case strings.HasPrefix(word, "score_at_") && value == "finite":
			faults = append(faults, some(r.queriesAreJSON())...)
		default:
			faults = append(faults, unknown("anomaly "+word))
		}
	}
	return faults
}

// exportAgain sends the stored spans as a standard client does, whose encoder takes only what protobuf allows.
func (r *run) exportAgain(ctx context.Context) error {
	for _, id := range r.traceIDs() {
		code, text, err := r.product.text("/api/v1/traces/" + id)
		if err != nil || code != 200 {
			return fmt.Errorf("trace %s: %d %w", id, code, err)
		}
		body, err := standard(text)
		if err != nil {
			return fmt.Errorf("trace %s: %w", id, err)
		}
		a, err := r.product.sendGRPC(ctx, step{Path: "/v1/traces", Body: body})
		if err != nil || !a.ok() || len(a.body) > 0 {
			return fmt.Errorf("trace %s: %v %q %w", id, a.grpc, a.body, err)
		}
	}
	return nil
}

// standard encodes a trace of the API as an export request, by the generated code.
func standard(text []byte) ([]byte, error) {
	b, _, err := otlp.Transcode(nil, otlp.SignalTraces, text, math.MaxInt)
	if err != nil {
		return nil, err
	}
	var m collectortracev1.ExportTraceServiceRequest
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	return proto.Marshal(&m)
}
