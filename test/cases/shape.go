package cases

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// shapeWords are about an assembled trace.
var shapeWords = map[string]func(t *trace, want any) error{
	"trace_id":   func(*trace, any) error { return nil },
	"span_count": func(t *trace, want any) error { return equal(len(t.spans()), want) },
	"duration_ns": func(t *trace, want any) error {
		took, err := time.ParseDuration(t.Summary.Duration)
		if err != nil {
			return err
		}
		return equal(strconv.FormatInt(took.Nanoseconds(), 10), want)
	},
	"each_span_once": func(t *trace, want any) error {
		seen := map[any]int{}
		for _, s := range t.spans() {
			seen[show([]any{s.fields["spanId"], s.service, s.fields["kind"]})]++
		}
		return equal(len(seen) == len(t.spans()), want)
	},
	"roots":           func(t *trace, want any) error { return equal(t.roots(want), want) },
	"orphans":         func(t *trace, want any) error { return equal(t.found("FINDING_KIND_ORPHAN"), want) },
	"missing_parents": func(t *trace, want any) error { return equal(t.missing(), want) },
	"self_parent": func(t *trace, want any) error {
		return equal(t.inCycle(func(s record) bool { return s.fields["parentSpanId"] == s.fields["spanId"] }), want)
	},
	"cycles": func(t *trace, want any) error {
		cycle := t.inCycle(func(s record) bool { return s.fields["parentSpanId"] != s.fields["spanId"] })
		if len(cycle) == 0 {
			return equal([][]string{}, want)
		}
		return equal([][]string{cycle}, want) // the API does not part one cycle from another
	},
	"children_of": func(t *trace, want any) error {
		parents, _ := want.(map[string]any)
		for parent, children := range parents {
			if err := equal(t.childrenOf(parent), children); err != nil {
				return fmt.Errorf("%s: %w", parent, err)
			}
		}
		return nil
	},
	"cycle_cut": func(t *trace, want any) error {
		w, _ := want.(map[string]any)
		for _, f := range t.Findings {
			if f.Kind == "FINDING_KIND_CYCLE" && f.SpanID == w["at"] {
				return nil
			}
		}
		return fmt.Errorf("no cycle at %v", w["at"])
	},
	"edges": func(*trace, any) error { return unanswered("trace edges by shared span ids") },
}

// shape checks an assembled trace.
func shape(r *run, want any) []error {
	w, _ := want.(map[string]any)
	t, err := r.trace(fmt.Sprint(w["trace_id"]))
	if err != nil {
		return []error{err}
	}
	if t == nil {
		return []error{fmt.Errorf("%v is not there", w["trace_id"])}
	}
	var faults []error
	for word, value := range w {
		check, known := shapeWords[word]
		if !known {
			faults = append(faults, unknown("trace "+word))
			continue
		}
		if err := check(t, value); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", word, err))
		}
	}
	return faults
}

// equal compares as JSON; no list is an empty one.
func equal(got, want any) error {
	text := show(got)
	if text == "null" {
		text = "[]"
	}
	return wantThat(text == show(want), "%s, want %s", text, show(want))
}

// roots are the spans without a parent, named as the case names them: by id, or by service and name.
func (t *trace) roots(like any) []string {
	list, _ := like.([]any)
	byName := len(list) > 0 && !isSpanID(fmt.Sprint(list[0]))
	var out []string
	for _, s := range t.spans() {
		switch {
		case s.fields["parentSpanId"] != "":
		case byName:
			out = append(out, s.service+"/"+fmt.Sprint(s.fields["name"]))
		default:
			out = append(out, fmt.Sprint(s.fields["spanId"]))
		}
	}
	return out
}

func isSpanID(s string) bool {
	_, err := strconv.ParseUint(s, 16, 64)
	return len(s) == 16 && err == nil
}

// missing are the parents that orphans name.
func (t *trace) missing() []string {
	orphans := t.found("FINDING_KIND_ORPHAN")
	var out []string
	for _, s := range t.spans() {
		if slices.Contains(orphans, fmt.Sprint(s.fields["spanId"])) {
			out = append(out, fmt.Sprint(s.fields["parentSpanId"]))
		}
	}
	return out
}

// inCycle are the spans found in cycles that fit.
func (t *trace) inCycle(fits func(record) bool) []string {
	found := t.found("FINDING_KIND_CYCLE")
	var out []string
	for _, s := range t.spans() {
		if id := fmt.Sprint(s.fields["spanId"]); slices.Contains(found, id) && fits(s) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (t *trace) childrenOf(parent string) []string {
	var out []string
	for _, s := range t.spans() {
		if s.fields["parentSpanId"] == parent {
			out = append(out, fmt.Sprint(s.fields["spanId"]))
		}
	}
	slices.Sort(out)
	return out
}
