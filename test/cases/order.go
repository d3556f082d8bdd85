package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// orders is how many orders of arrival a trace is sent in besides the one of the case.
const orders = 8

// sameInEveryOrder sends the spans of the case again, each in a request of its own, in other orders and under other trace
// ids, and wants all told as the case's own.
func (r *run) sameInEveryOrder(ctx context.Context) error {
	var requests []string
	for _, s := range r.scenario.steps() {
		if s.JSON != nil && (s.Path == "" || s.Path == "/v1/traces") {
			apart, err := spansApart(s.JSON)
			if err != nil {
				return err
			}
			requests = append(requests, apart...)
		}
	}
	if len(requests) < 2 {
		return unknown("spans to send in another order")
	}
	shuffle := rand.New(rand.NewPCG(1, 2)) // the same orders in every run
	for n := range orders {
		if n == 0 {
			slices.Reverse(requests)
		} else {
			shuffle.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
		}
		if err := r.sendAs(ctx, requests, n+1); err != nil {
			return err
		}
		for _, id := range r.traceIDs() {
			if err := eventually(ctx, patience, func() error { return r.alike(id, renamed(id, n+1)) }); err != nil {
				return fmt.Errorf("order %d: %w", n+1, err)
			}
		}
	}
	return nil
}

// spansApart gives each span of a request a request of its own, under its resource and scope.
func spansApart(request json.RawMessage) ([]string, error) {
	var whole struct {
		ResourceSpans []struct {
			Resource   json.RawMessage `json:"resource,omitempty"`
			ScopeSpans []struct {
				Scope json.RawMessage   `json:"scope,omitempty"`
				Spans []json.RawMessage `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	if err := json.Unmarshal(request, &whole); err != nil {
		return nil, fmt.Errorf("read spans of a request: %w", err)
	}
	var out []string
	one := whole
	for _, resource := range whole.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				few, part := resource, scope
				part.Spans = []json.RawMessage{span}
				few.ScopeSpans = append(few.ScopeSpans[:0:0], part)
				one.ResourceSpans = append(one.ResourceSpans[:0:0], few)
				out = append(out, show(one))
			}
		}
	}
	return out, nil
}

// renamed gives the id of a trace in another run: its upper half is changed.
func renamed(id string, run int) string {
	upper, _ := strconv.ParseUint(id[:16], 16, 64) // is hex, as it was found by that
	return fmt.Sprintf("%016x", upper^uint64(run)) + id[16:]
}

// sendAs sends requests one after the other with the trace ids of another run.
func (r *run) sendAs(ctx context.Context, requests []string, run int) error {
	for _, text := range requests {
		for _, id := range r.traceIDs() {
			text = strings.ReplaceAll(text, id, renamed(id, run))
		}
		answers, err := r.send(ctx, step{
			Do: "send_http", Path: "/v1/traces", JSON: json.RawMessage(text), Headers: map[string]string{"Content-Type": "application/json"},
		})
		if err != nil || !answers[0].ok() {
			return errors.Join(err, fmt.Errorf("%s: %s", text, show(answers)))
		}
	}
	return nil
}

// alike wants two traces told alike, but for their own ids and when they were received.
func (r *run) alike(id, other string) error {
	a, err := r.trace(id)
	b, err2 := r.trace(other)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	if a == nil || b == nil {
		return fmt.Errorf("trace %s or %s is not there", id, other)
	}
	return equal(b.told(), a.told())
}

// told is what the product tells of a trace, in an order that does not hang on that of its spans.
func (t *trace) told() any {
	all := t.spans()
	unique := func(s record) string { return show([]any{s.service, s.fields["spanId"], s.fields["kind"]}) }
	spans := map[string]any{}
	for _, s := range all {
		n, parent, at := *s.note, "", s.note.EventTime
		if n.Parent != nil {
			parent = unique(all[*n.Parent])
		}
		if number(fmt.Sprint(s.fields["startTimeUnixNano"]))+number(fmt.Sprint(s.fields["endTimeUnixNano"])) == 0 {
			at = "when it was received"
		}
		spans[unique(s)] = []any{parent, n.Place, n.Duration, n.QualityFlags, at}
	}
	return []any{t.Summary, spans, t.Findings, t.Cycles, t.MissingParentIDs, t.Anomalies}
}
