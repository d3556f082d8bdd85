package cases

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/triflow/triflow/pkg/otlp"
)

// trace is what the API tells of one.
type trace struct {
	Summary struct {
		SpanCount    int
		Duration     string
		Completeness float64
	}
	ResourceSpans []struct {
		Resource   struct{ Attributes any }
		ScopeSpans []struct{ Spans []span }
	}
	Findings         []finding
	SpanNotes        []note
	Cycles           []struct{ SpanIDs []string }
	MissingParentIDs []string
	Anomalies        []struct {
		Pattern string
		SpanIDs []string
	}
}

// span is one as OTLP/JSON has it.
type span map[string]any

func (s span) text(field string) string {
	text, _ := s[field].(string)
	return text
}

// finding is what the product says is wrong with a trace.
type finding struct{ Kind, SpanID, Detail string }

// note is what the product tells of a span beside its bytes; the n-th is of the n-th span.
type note struct {
	Service, Place string
	Parent         *int // index of another
	EventTime      string
	Duration       string
	QualityFlags   []string
}

// spans gives all spans of the trace as records.
func (t trace) spans() []record {
	var out []record
	for _, r := range t.ResourceSpans {
		service, _ := plainList(r.Resource.Attributes)["service.name"].(string)
		for _, scope := range r.ScopeSpans {
			for _, s := range scope.Spans {
				one := record{service: service, fields: s, attributes: plainList(s["attributes"])}
				if len(out) < len(t.SpanNotes) {
					one.note = &t.SpanNotes[len(out)]
					one.flags = one.note.QualityFlags
				}
				out = append(out, one)
			}
		}
	}
	return out
}

// found lists the spans that findings of a kind are about.
func (t trace) found(kind string) []string {
	var ids []string
	for _, f := range t.Findings {
		if f.Kind == kind {
			ids = append(ids, f.SpanID)
		}
	}
	return ids
}

// trace reads one by its id; nil when the product has none.
func (r *run) trace(id string) (*trace, error) {
	var t trace
	found, err := r.product.read("/api/v1/traces/"+id, &t)
	if err != nil || !found {
		return nil, err
	}
	if spans := len(t.spans()); len(t.SpanNotes) != spans {
		return nil, fmt.Errorf("trace %s: %d notes on %d spans", id, len(t.SpanNotes), spans)
	}
	return &t, nil
}

var traceID = regexp.MustCompile(`\b[0-9a-fA-F]{32}\b`)

// traceIDs are all that the case's requests name, in lower case, but for the one of zeros.
func (r *run) traceIDs() []string {
	ids := map[string]bool{}
	for _, s := range r.scenario.steps() {
		for _, id := range traceID.FindAllString(string(s.JSON), -1) {
			ids[strings.ToLower(id)] = true
		}
		var view otlp.Traces // the generated code reads nothing that has a bad text
		if view.Scan(s.Body, otlp.LevelFraming) == nil {
			for _, span := range view.Spans {
				ids[span.Trace.String()] = true
			}
		}
	}
	delete(ids, zeroTrace)
	delete(ids, "")
	return slices.Sorted(maps.Keys(ids))
}

const zeroTrace = "00000000000000000000000000000000"

// spans gives the stored spans of all traces that the case names; those of the trace of zeros too, if there is one.
func (r *run) spans() ([]record, error) {
	var out []record
	for _, id := range r.traceIDs() {
		t, err := r.trace(id)
		if err != nil {
			return nil, err
		}
		if t != nil {
			out = append(out, t.spans()...)
		}
	}
	return out, nil
}

// stored gives all items of the case's signal.
func (r *run) stored() ([]record, error) {
	switch r.scenario.Signal {
	case "traces":
		return r.spans()
	case "logs":
		return r.logs()
	}
	return nil, unanswered("records of metrics")
}

// choose gives the stored items that a select names.
func (r *run) choose(selected map[string]any) ([]record, error) {
	if selected["trace_id"] == zeroTrace {
		t, err := r.trace(zeroTrace)
		if err == nil && t != nil {
			return t.spans(), nil
		}
		return nil, nil // a bad request is as good as none
	}
	all, err := r.stored()
	if err != nil {
		return nil, err
	}
	var out []record
	for i, one := range all {
		fits := true
		for key, want := range selected {
			switch value, _ := one.field(key); key {
			case "index":
				fits = fits && same(i, want)
			case "span_id", "trace_id", "body", "name":
				fits = fits && same(value, want)
			default:
				return nil, unknown("select " + key)
			}
		}
		if fits {
			out = append(out, one)
		}
	}
	return out, nil
}

// service reads the figures of one over the last minute.
func (r *run) service(name string) (requests int, p99 string, err error) {
	var s struct {
		Service struct {
			Red struct{ Requests, P99 string }
		}
	}
	found, err := r.product.read("/api/v1/services/"+url.PathEscape(name)+"?window=60s", &s)
	if err == nil && !found {
		err = fmt.Errorf("service %q is not there", name)
	}
	return number(s.Service.Red.Requests), s.Service.Red.P99, err
}
