package cases

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// notYet are words of cases that the product cannot answer, each with the reason why a case passes without.
var notYet = map[string]string{}

// answerWords are about the answers to the step, each of them.
var answerWords = map[string]func(r *run, want any) error{
	"http_status": each(func(a answer, want any) error { return a.statusIn(want, []any{want}) }),
	"http_status_in": each(func(a answer, want any) error {
		list, _ := want.([]any)
		return a.statusIn(want, list)
	}),
	"grpc_code": each(func(a answer, want any) error { return a.code(want, []any{want}) }),
	"grpc_code_in": each(func(a answer, want any) error {
		list, _ := want.([]any)
		return a.code(want, list)
	}),
	"error_mentions": each(answer.mentions),
	"error_message": each(func(a answer, want any) error {
		if want != "non_empty" {
			return unknown("error_message " + show(want))
		}
		return wantThat(a.message() != "", "no message, want one")
	}),
	"partial_success": each(func(a answer, want any) error {
		if want != "unset" {
			return unknown("partial_success " + show(want))
		}
		p, err := a.partial()
		return errors.Join(err, wantThat(!p.set, "partial_success is %+v, want none", p))
	}),
	"retry_info": each(func(a answer, want any) error {
		given := want != false && want != "absent" && want != "unset"
		return wantThat(a.delay() == given, "delay given: %v, want %v", a.delay(), show(want))
	}),
	"response_content_type": each(func(a answer, want any) error {
		if a.grpc != nil {
			return nil
		}
		return wantThat(a.header.Get("Content-Type") == want, "%q, want %v", a.header.Get("Content-Type"), want)
	}),
	"response_header": each(func(a answer, want any) error {
		headers, _ := want.(map[string]any)
		for name, value := range headers {
			if a.header.Get(name) != value {
				return fmt.Errorf("%s %q, want %v", name, a.header.Get(name), value)
			}
		}
		return nil
	}),
	"response_body": each(func(a answer, want any) error { return a.form(fmt.Sprint(want)) }),
	"accepted": func(r *run, want any) error {
		d := r.last()
		return wantThat(same(d.after.accepted-d.before.accepted, want), "%d by the ledger, want %v", d.after.accepted-d.before.accepted, want)
	},
	"rejected": func(r *run, want any) error {
		told := 0
		for _, a := range r.last().answers {
			p, err := a.partial()
			if err != nil {
				return err
			}
			told += p.rejected
		}
		d := r.last()
		counted := d.after.refused - d.before.refused
		return wantThat(same(told, want) && same(counted, want), "%d told, %d by the ledger, want %v", told, counted, want)
	},
}

// each wants the same of every answer to the latest step.
func each(check func(a answer, want any) error) func(r *run, want any) error {
	return func(r *run, want any) error {
		for _, a := range r.last().answers {
			if err := check(a, want); err != nil {
				return err
			}
		}
		return nil
	}
}

func wantThat(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// statusIn checks the status of HTTP. What was turned into gRPC must be OK where 200 is wanted.
func (a answer) statusIn(want any, list []any) error {
	got := a.http
	if a.grpc != nil && a.ok() {
		got = 200
	}
	return wantThat(slices.ContainsFunc(list, func(w any) bool { return same(got, w) }), "%d %s, want %v", got, a.message(), want)
}

// code checks the code of gRPC, in the words of the specification.
func (a answer) code(want any, list []any) error {
	if a.grpc == nil {
		return fmt.Errorf("answered over HTTP, want code %v", want)
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	fits := slices.ContainsFunc(list, func(w any) bool { return plain(fmt.Sprint(w)) == plain(a.grpc.Code().String()) })
	return wantThat(fits, "%s: %s, want %v", a.grpc.Code(), a.grpc.Message(), want)
}

// storeWords are about what the product tells later. They are asked until they hold or patience is over.
var storeWords = map[string]func(r *run, want any) []error{
	"records": func(r *run, want any) (faults []error) {
		list, _ := want.([]any)
		for _, one := range list {
			wish, _ := one.(map[string]any)
			if err := r.recordHolds(wish); err != nil {
				faults = append(faults, err)
			}
		}
		return faults
	},
	"trace":   shape,
	"red":     red,
	"series":  series,
	"quality": quality,
	"distinct_spans": func(r *run, want any) []error {
		spans, err := r.spans()
		return some(err, wantThat(same(len(spans), want), "%d, want %v", len(spans), want))
	},
	"duplicates_counted": func(r *run, want any) []error {
		a, err := r.product.account()
		return some(err, wantThat(same(a.duplicates, want), "%d, want %v", a.duplicates, want))
	},
	"anomalies": controlAnomalies,
	"anomaly":   anomaly,
	"templates": templates,
}

// some drops the nils.
func some(errs ...error) []error {
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// recordHolds checks one wish of a list of records.
func (r *run) recordHolds(wish map[string]any) error {
	selected, _ := wish["select"].(map[string]any)
	field, op := fmt.Sprint(wish["field"]), fmt.Sprint(wish["op"])
	fail := func(err error) error {
		if err == nil {
			return nil
		}
		return fmt.Errorf("%s %s: %w", show(selected), field, err)
	}
	found, err := r.choose(selected)
	if err != nil {
		return fail(err)
	}
	if op == "absent" && field == "" {
		return fail(wantThat(len(found) == 0, "%d found, want none", len(found)))
	}
	if len(found) == 0 {
		return fail(errors.New("not stored"))
	}
	value, told := found[0].field(field)
	if !told {
		return fail(unanswered("field " + field))
	}
	if op == "absent" {
		return fail(wantThat(value == nil, "%s, want none", show(value)))
	}
	return fail(compare(value, op, wish["value"], r.last().at))
}

// red checks the figures of a service over the last minute; quantiles have a relative error of at most 5 %.
func red(r *run, want any) []error {
	w, _ := want.(map[string]any)
	requests, p99, err := r.service(fmt.Sprint(w["service"]))
	if err != nil {
		return some(err)
	}
	faults := some(wantThat(w["request_count"] == nil || same(requests, w["request_count"]), "%d requests, want %v", requests, w["request_count"]))
	if most := w["max_duration_ns"]; most != nil {
		took, err := time.ParseDuration(p99)
		limit := time.Duration(number(fmt.Sprint(most)))
		faults = append(faults, some(err, wantThat(float64(took) <= math.Round(1.05*float64(limit)), "p99 %v, want at most %v", took, limit))...)
	}
	for key := range w {
		if key != "service" && key != "window_s" && key != "request_count" && key != "max_duration_ns" {
			faults = append(faults, unknown("red "+key))
		}
	}
	return faults
}
