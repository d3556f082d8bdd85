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
	"roots":           func(t *trace, want any) error { return sameSet(t.placed("SPAN_PLACE_ROOT", want), want) },
	"orphans":         func(t *trace, want any) error { return sameSet(t.placed("SPAN_PLACE_ORPHAN", want), want) },
	"missing_parents": func(t *trace, want any) error { return sameSet(t.MissingParentIDs, want) },
	"self_parent":     func(t *trace, want any) error { return sameSet(slices.Concat(t.cycles(isSelf)...), want) },
	"cycles":          func(t *trace, want any) error { return sameSets(t.cycles(isLoop), want) },
	"cycle_cut":       cycleCut,
	"children_of": func(t *trace, want any) error {
		parents, _ := want.(map[string]any)
		for parent, children := range parents {
			if err := sameSet(t.childrenOf(parent, children), children); err != nil {
				return fmt.Errorf("%s: %w", parent, err)
			}
		}
		return nil
	},
	"edges": func(t *trace, want any) error {
		got := [][]string{}
		for _, s := range t.spans() {
			if s.note.Parent != nil {
				got = append(got, []string{t.spans()[*s.note.Parent].name(), s.name()})
			}
		}
		return sameSet(texts(got), texts(want))
	},
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

// sameSet compares two lists whatever their order.
func sameSet(got []string, want any) error {
	return wantThat(sorted(got) == sorted(texts(want)), "%s, want %s", sorted(got), sorted(texts(want)))
}

// sameSets compares lists of lists whatever the order of either.
func sameSets(got [][]string, want any) error {
	var a, b []string
	for _, list := range got {
		a = append(a, sorted(list))
	}
	lists, _ := want.([]any)
	for _, list := range lists {
		b = append(b, sorted(texts(list)))
	}
	return sameSet(a, b)
}

func sorted(list []string) string { return show(slices.Sorted(slices.Values(list))) }

// texts gives the elements of a list as texts.
func texts(list any) []string {
	switch l := list.(type) {
	case []string:
		return l
	case [][]string:
		out := make([]string, len(l))
		for i, one := range l {
			out[i] = show(one)
		}
		return out
	}
	elements, _ := list.([]any)
	out := make([]string, len(elements))
	for i, one := range elements {
		if text, is := one.(string); is {
			out[i] = text
		} else {
			out[i] = show(one)
		}
	}
	return out
}

// called gives the name of a span in the way of the names in like: its id, or its service and name.
func (r record) called(like any) string {
	if names := texts(like); len(names) > 0 && !isSpanID(names[0]) {
		return r.name()
	}
	return fmt.Sprint(r.fields["spanId"])
}

func isSpanID(s string) bool {
	_, err := strconv.ParseUint(s, 16, 64)
	return len(s) == 16 && err == nil
}

// placed are the spans that stand in a place.
func (t *trace) placed(place string, like any) (out []string) {
	for _, s := range t.spans() {
		if s.note.Place == place {
			out = append(out, s.called(like))
		}
	}
	return out
}

func (t *trace) childrenOf(parent string, like any) (out []string) {
	all := t.spans()
	for _, s := range all {
		if s.note.Parent != nil && all[*s.note.Parent].called([]string{parent}) == parent {
			out = append(out, s.called(like))
		}
	}
	return out
}

// cycles are those of a length that fits.
func (t *trace) cycles(fits func(length int) bool) (out [][]string) {
	for _, c := range t.Cycles {
		if fits(len(c.SpanIDs)) {
			out = append(out, c.SpanIDs)
		}
	}
	return out
}

func isSelf(length int) bool { return length == 1 }
func isLoop(length int) bool { return length > 1 }

// cycleCut checks where a loop is cut, and that it is so by the rule that the case names.
func cycleCut(t *trace, want any) error {
	w, _ := want.(map[string]any)
	if rule := w["rule"]; rule != "earliest start, then lowest span id" {
		return unknown("the rule of a cut " + show(rule))
	}
	var at []string
	for _, c := range t.cycles(isLoop) {
		at = append(at, c[0])
	}
	cut := t.placed("SPAN_PLACE_CYCLE_CUT", nil)
	return wantThat(slices.Contains(at, fmt.Sprint(w["at"])) && slices.Contains(cut, fmt.Sprint(w["at"])), "cut at %v, want %v", at, w["at"])
}

// hungUnderClient tells whether a span hangs under a client's span though it is the server's, which has the same id.
func (t *trace) hungUnderClient() bool {
	all := t.spans()
	return slices.ContainsFunc(all, func(s record) bool {
		if s.note.Parent == nil {
			return false
		}
		up := all[*s.note.Parent]
		return up.fields["kind"] == "SPAN_KIND_CLIENT" && up.fields["spanId"] != s.fields["spanId"] && slices.ContainsFunc(all, func(o record) bool {
			return o.fields["spanId"] == up.fields["spanId"] && o.fields["kind"] == "SPAN_KIND_SERVER" && o.service == s.service
		})
	})
}
