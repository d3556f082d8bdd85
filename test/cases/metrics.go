package cases

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// metricStream is what the API tells of a metric with one set of labels.
type metricStream struct {
	Name    string
	Labels  map[string]string
	Points  []metricPoint
	Figures map[string]any
}

// metricPoint is one of its points, by the names of the API.
type metricPoint map[string]any

func (p metricPoint) marked(mark string) bool {
	marks, _ := p["marks"].([]any)
	return slices.Contains(marks, any("POINT_MARK_"+mark))
}

// honest tells that a number that is not there is a gap that says so, and that one that is not finite is marked.
func (p metricPoint) honest() error {
	value, count := firstOf(p["asDouble"], p["asInt"]), p["count"]
	if value == nil && count == nil {
		return wantThat(p.marked("GAP"), "no value and no mark of a gap")
	}
	for _, v := range []any{value, p["sum"]} {
		odd := slices.Contains([]any{"NaN", "Infinity", "-Infinity"}, v)
		if odd && !p.marked("NON_FINITE") {
			return fmt.Errorf("value %v without a mark", v)
		}
	}
	return nil
}

// rises tells that nothing that was added is negative.
func (p metricPoint) rises() error {
	for _, key := range []string{"deltaCount", "deltaSum"} {
		if text := fmt.Sprint(p[key]); strings.HasPrefix(text, "-") {
			return fmt.Errorf("%s is %s", key, text)
		}
	}
	return nil
}

// counted tells that it is known what a distribution's point added, but for the first.
func (p metricPoint) counted() error {
	known := p["count"] == nil || p["deltaCount"] != nil || p.marked("FIRST")
	return wantThat(known, "what was added is not known")
}

func firstOf(values ...any) any {
	if i := slices.IndexFunc(values, func(v any) bool { return v != nil }); i >= 0 {
		return values[i]
	}
	return nil
}

// streams are those of a metric, or of all.
func (r *run) streams(metric string) ([]metricStream, error) {
	var list struct{ Streams []metricStream }
	_, err := r.product.read("/api/v1/metrics?pageSize=1000&name="+url.QueryEscape(metric), &list)
	return list.Streams, err
}

// eachPoint wants something of every point of every metric.
func (r *run) eachPoint(holds func(metricPoint) error) error {
	streams, err := r.streams("")
	if err != nil {
		return err
	}
	for _, s := range streams {
		for _, p := range s.Points {
			if err := holds(p); err != nil {
				return fmt.Errorf("metric %s at %v: %w", s.Name, p["time"], err)
			}
		}
	}
	return nil
}

// seriesFinite wants every value that is watched to be a finite number, in all series and all anomalies.
func (r *run) seriesFinite() error {
	var watched struct {
		Series []struct {
			Series struct{ Name string }
			Values []any
		}
	}
	var found struct{ Anomalies []map[string]any }
	if _, err := r.product.read("/api/v1/series", &watched); err != nil {
		return err
	}
	if _, err := r.product.read("/api/v1/anomalies", &found); err != nil {
		return err
	}
	for _, s := range watched.Series {
		for _, v := range s.Values {
			if _, is := v.(float64); !is {
				return fmt.Errorf("series %s: value %s, want a finite number", s.Series.Name, show(v))
			}
		}
	}
	for _, a := range found.Anomalies {
		for _, key := range []string{"value", "expected", "scale", "score"} {
			if _, is := a[key].(float64); !is {
				return fmt.Errorf("anomaly %v: %s %s, want a finite number", a["id"], key, show(a[key]))
			}
		}
	}
	return nil
}

// seriesWords are what a case says of a metric.
var seriesWords = map[string]func(s metricStream, want any) error{
	"finite_count":     func(s metricStream, want any) error { return s.figure("finiteCount", want) },
	"finite_mean":      func(s metricStream, want any) error { return s.figure("finiteMean", want) },
	"non_finite_count": func(s metricStream, want any) error { return s.figure("nonFiniteCount", want) },
	"gaps":             func(s metricStream, want any) error { return s.figure("gaps", want) },
	"resets":           func(s metricStream, want any) error { return s.figure("resets", want) },
	"duplicates":       func(s metricStream, want any) error { return s.figure("duplicates", want) },
	"gap_at":           metricStream.gapAt,
	"delta_counts":     func(s metricStream, want any) error { return s.deltas("deltaCount", want) },
	"delta_sums":       func(s metricStream, want any) error { return s.deltas("deltaSum", want) },
	"increases":        func(s metricStream, want any) error { return s.deltas("deltaSum", want) },
	"quantile_p50":     func(s metricStream, want any) error { return s.quantile("p50", want) },
	"quantile_p90":     func(s metricStream, want any) error { return s.quantile("p90", want) },
	"quantile_p99":     func(s metricStream, want any) error { return s.quantile("p99", want) },
}

// series checks what is told of each metric of a list.
func series(r *run, want any) (faults []error) {
	list, _ := want.([]any)
	for _, one := range list {
		w, _ := one.(map[string]any)
		name := fmt.Sprint(w["metric"])
		streams, err := r.streams(name)
		if err != nil {
			return []error{err}
		}
		if len(streams) != 1 {
			faults = append(faults, fmt.Errorf("%s: %d streams, want 1", name, len(streams)))
			continue
		}
		for word, value := range w {
			check, known := seriesWords[word]
			switch {
			case word == "metric":
			case !known:
				faults = append(faults, unknown("series "+word))
			default:
				if err := check(streams[0], value); err != nil {
					faults = append(faults, fmt.Errorf("%s %s: %w", name, word, err))
				}
			}
		}
	}
	return faults
}

func (s metricStream) figure(name string, want any) error {
	return wantThat(same(s.Figures[name], want), "%s, want %s", show(s.Figures[name]), show(want))
}

// gapAt checks the times of gaps, in ns.
func (s metricStream) gapAt(want any) error {
	times := []string{}
	for _, p := range s.Points {
		if p.marked("GAP") {
			at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(p["time"]))
			if err != nil {
				return err
			}
			times = append(times, strconv.FormatInt(at.UnixNano(), 10))
		}
	}
	return equal(times, want)
}

// deltas checks what each point but a gap added; null is what is not known.
func (s metricStream) deltas(field string, want any) error {
	wishes, _ := want.([]any)
	got := []any{}
	for _, p := range s.Points {
		if !p.marked("GAP") {
			got = append(got, p[field])
		}
	}
	return wantThat(slices.EqualFunc(got, wishes, same), "%s, want %s", show(got), show(want))
}

// quantile has a relative error of at most 5 %; "no_data" is one that is not told.
func (s metricStream) quantile(name string, want any) error {
	got, told := s.Figures[name].(float64)
	if want == "no_data" {
		return wantThat(!told, "%v, want none", got)
	}
	wish, err := strconv.ParseFloat(fmt.Sprint(want), 64)
	if err != nil {
		return unknown("quantile " + show(want))
	}
	return wantThat(told && math.Abs(got-wish) <= 0.05*math.Abs(wish), "%s, want %v", show(s.Figures[name]), wish)
}
