package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// eachTrace wants something of every trace that the case names.
func eachTrace(holds func(*trace) bool) question {
	return func(_ context.Context, r *run, _ string) error {
		for _, id := range r.traceIDs() {
			t, err := r.trace(id)
			if err != nil {
				return err
			}
			if t != nil && !holds(t) {
				return fmt.Errorf("so it is in trace %s", id)
			}
		}
		return nil
	}
}

func eachSpan(holds func(span) bool) question {
	return eachTrace(func(t *trace) bool {
		return !slices.ContainsFunc(t.spans(), func(s record) bool { return !holds(s.fields) })
	})
}

func eachLog(holds func(record) bool) question {
	return func(_ context.Context, r *run, _ string) error {
		logs, err := r.logs()
		if i := slices.IndexFunc(logs, func(l record) bool { return !holds(l) }); i >= 0 {
			err = fmt.Errorf("so it is in %s", show(logs[i].fields))
		}
		return err
	}
}

// durations are those of the trace and of each span in it; the least one for one that cannot be read.
func (t *trace) durations() []time.Duration {
	texts := []string{t.Summary.Duration}
	for _, n := range t.SpanNotes {
		texts = append(texts, n.Duration)
	}
	var out []time.Duration
	for _, text := range texts {
		took, err := time.ParseDuration(text)
		if err != nil {
			took = math.MinInt64
		}
		out = append(out, took)
	}
	return out
}

// rootsAmong tells whether a span without a parent is among ids.
func rootsAmong(t *trace, ids []string) bool {
	return slices.ContainsFunc(t.spans(), func(s record) bool {
		return s.fields["parentSpanId"] == "" && slices.Contains(ids, fmt.Sprint(s.fields["spanId"]))
	})
}

// sentSpans are the spans of all requests in JSON, each once, with their service.
func (r *run) sentSpans() []record {
	var out []record
	seen := map[string]bool{}
	for _, s := range r.scenario.steps() {
		var t trace
		if json.Unmarshal(s.JSON, &t) != nil {
			continue // not in the form of OTLP/JSON: nothing to compare with
		}
		for _, one := range t.spans() {
			if key := show([]any{one.fields["traceId"], one.fields["spanId"], one.service}); !seen[key] {
				seen[key] = true
				out = append(out, one)
			}
		}
	}
	return out
}

// timesAsSent wants the times of each stored span digit by digit as they were sent.
func (r *run) timesAsSent() error {
	stored, err := r.spans()
	if err != nil {
		return err
	}
	sent := map[string]map[string]json.RawMessage{}
	for _, s := range r.scenario.steps() {
		gatherSpans(s.JSON, sent)
	}
	for _, s := range stored {
		for _, field := range []string{"startTimeUnixNano", "endTimeUnixNano"} {
			want, was := sent[fmt.Sprint(s.fields["spanId"])][field]
			if was && !same(s.fields[field], json.Number(trimQuotes(want))) {
				return fmt.Errorf("span %v: %s %v, want %s", s.fields["spanId"], field, s.fields[field], want)
			}
		}
	}
	return nil
}

// gatherSpans finds the spans of a request by their span id, their values untouched.
func gatherSpans(request json.RawMessage, into map[string]map[string]json.RawMessage) {
	var m struct {
		ResourceSpans []struct {
			ScopeSpans []struct{ Spans []map[string]json.RawMessage }
		}
	}
	if json.Unmarshal(request, &m) != nil {
		return
	}
	for _, r := range m.ResourceSpans {
		for _, scope := range r.ScopeSpans {
			for _, s := range scope.Spans {
				into[trimQuotes(s["spanId"])] = s
			}
		}
	}
}

func trimQuotes(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// everySpan wants each span that was sent stored, once.
func (r *run) everySpan() error {
	stored, err := r.spans()
	return errors.Join(err, wantThat(len(stored) == len(r.sentSpans()), "%d spans stored, want the %d sent", len(stored), len(r.sentSpans())))
}

// silentLoss looks for answers that tell success, though what was sent is gone.
func (r *run) silentLoss() error {
	for i, d := range r.done {
		s := r.scenario.steps()[i]
		var m map[string]json.RawMessage
		if s.JSON == nil || json.Unmarshal(s.JSON, &m) != nil || len(m) == 0 || string(m["resourceSpans"]) == "[]" {
			continue
		}
		for _, a := range d.answers {
			if a.ok() && a.message() == "" && d.after.accepted == d.before.accepted {
				return fmt.Errorf("step %d: 200 without a word, and nothing was taken", i+1)
			}
		}
	}
	return nil
}
