package cases

import (
	"fmt"
	"strconv"
	"time"
)

// patterns are the names of the product for those of the cases.
var patterns = map[string]string{
	"control_loop":        "CONTROL_PATTERN_LOOP",
	"lost_control_signal": "CONTROL_PATTERN_LOST_SIGNAL",
}

// controlAnomalies wants exactly the patterns of control flow that the case names, in all its traces together.
func controlAnomalies(r *run, want any) []error {
	var wanted, got []string
	list, _ := want.([]any)
	for _, one := range list {
		w, _ := one.(map[string]any)
		pattern := patterns[fmt.Sprint(w["pattern"])]
		if pattern == "" {
			return []error{unanswered("anomalies " + fmt.Sprint(w["pattern"]))}
		}
		for word := range w {
			if word != "pattern" && word != "spans" {
				return []error{unknown("anomalies " + word)}
			}
		}
		wanted = append(wanted, pattern+" "+sorted(texts(w["spans"])))
	}
	faults := r.askTraces(func(t *trace) error {
		for _, a := range t.Anomalies {
			got = append(got, a.Pattern+" "+sorted(a.SpanIDs))
		}
		return nil
	})
	return append(faults, some(sameSet(got, wanted))...)
}

// askTraces asks something of every trace that the case names and the product has.
func (r *run) askTraces(holds func(*trace) error) (faults []error) {
	for _, id := range r.traceIDs() {
		t, err := r.trace(id)
		if err == nil && t == nil {
			err = fmt.Errorf("trace %s is not there", id)
		}
		if err == nil {
			err = holds(t)
		}
		faults = append(faults, some(err)...)
	}
	return faults
}

// assembledWithin wants each trace put together from its bytes and told within so many ms. What else the machine has to do
// is not the product's fault: the quickest of some answers counts.
func (r *run) assembledWithin(most string) error {
	limit, err := strconv.ParseFloat(most, 64)
	if err != nil {
		return unknown("assembly_ms " + most)
	}
	for _, id := range r.traceIDs() {
		quickest := time.Hour
		for range 10 {
			began := time.Now()
			if _, _, err := r.product.text("/api/v1/traces/" + id); err != nil {
				return err
			}
			quickest = min(quickest, time.Since(began))
		}
		if ms := float64(quickest) / float64(time.Millisecond); ms > limit {
			return fmt.Errorf("trace %s took %.1f ms, want at most %s", id, ms, most)
		}
	}
	return nil
}
