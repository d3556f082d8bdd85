package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// invariants must hold at the end of a case.
var invariants = map[string]question{
	"process_alive": func(_ context.Context, r *run, _ string) error {
		return wantThat(r.product.alive(), "the process has ended:\n%s", r.product.Output())
	},
	"later_request_ok": func(ctx context.Context, r *run, _ string) error { return r.plainRequest(ctx) },
	"rss_growth_mib": func(_ context.Context, r *run, most string) error {
		limit, err := strconv.ParseFloat(most, 64)
		now, err2 := r.product.RSS()
		grown := float64(now-r.product.rss) / (1 << 20)
		return errors.Join(err, err2, wantThat(grown <= limit, "grown by %.0f MiB, want at most %s", grown, most))
	},
	"query_json_valid":       func(_ context.Context, r *run, _ string) error { return r.queriesAreJSON() },
	"re_export_over_grpc_ok": func(ctx context.Context, r *run, _ string) error { return r.exportAgain(ctx) },
	"all_accepted_found_in_query_of_last_hour": func(ctx context.Context, r *run, _ string) error {
		return eventually(ctx, patience, func() error {
			var list struct{ Logs []any }
			from := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
			if _, err := r.product.read("/api/v1/logs?pageSize=1000&startTime="+from, &list); err != nil {
				return err
			}
			accepted := r.last().after.accepted - r.done[0].before.accepted
			return wantThat(len(list.Logs) == accepted, "%d found, want the %d accepted", len(list.Logs), accepted)
		})
	},
	"assembly_ms":                         func(_ context.Context, r *run, most string) error { return r.assembledWithin(most) },
	"same_result_for_every_arrival_order": func(ctx context.Context, r *run, _ string) error { return r.sameInEveryOrder(ctx) },
}

// plainRequest sends one span and wants it found.
func (r *run) plainRequest(ctx context.Context) error {
	const id = "0123456789abcdef0123456789abcdef"
	now := time.Now().UnixNano()
	body := fmt.Sprintf(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"0123456789abcdef","name":"later",
		"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}`, id, now-1000, now)
	a, err := r.product.sendHTTP(ctx, step{Path: "/v1/traces", JSON: []byte(body), Headers: map[string]string{"Content-Type": "application/json"}})
	if err != nil {
		return err
	}
	if !a.ok() {
		return fmt.Errorf("a later request: %d %s", a.http, a.message())
	}
	return eventually(ctx, patience, func() error {
		t, err := r.trace(id)
		return errors.Join(err, wantThat(t != nil && len(t.spans()) == 1, "the span of a later request is not there"))
	})
}

// queriesAreJSON asks all that tells of telemetry.
func (r *run) queriesAreJSON() error {
	paths := []string{
		"/api/v1/traces", "/api/v1/logs", "/api/v1/log-templates", "/api/v1/series", "/api/v1/metrics", "/api/v1/anomalies", "/api/v1/services", "/api/v1/graph",
		"/api/v1/ingestion/ledger",
	}
	for _, id := range r.traceIDs() {
		paths = append(paths, "/api/v1/traces/"+id)
	}
	for _, path := range paths {
		code, body, err := r.product.text(path)
		if err != nil {
			return err
		}
		if code != http.StatusOK && code != http.StatusNotFound || !json.Valid(body) {
			return fmt.Errorf("GET %s: %d, JSON valid: %v", path, code, json.Valid(body))
		}
	}
	return nil
}

// forbidden says what is wrong when the thing that is forbidden has happened.
var forbidden = map[string]question{
	"5xx": anyAnswer(func(a answer) bool { return a.http >= 500 }),
	"whole_batch_rejected": func(_ context.Context, r *run, _ string) error {
		return wantThat(r.last().after.accepted > r.done[0].before.accepted, "nothing was taken")
	},
	"retryable":                         anyAnswer(answer.retryable),
	"grpc_internal":                     anyAnswer(func(a answer) bool { return a.grpc != nil && a.grpc.Code() == codes.Internal }),
	"stack_trace_or_type_name_in_body":  anyAnswer(func(a answer) bool { return leaks(a.message()) || leaks(string(a.body)) }),
	"decode_error_on_unknown_field":     anyAnswer(func(a answer) bool { return strings.Contains(strings.ToLower(a.message()), "unknown field") }),
	"silent_200_with_data_lost":         func(_ context.Context, r *run, _ string) error { return r.silentLoss() },
	"kind_stored_as_0":                  eachSpan(func(s span) bool { return s.text("kind") != "SPAN_KIND_UNSPECIFIED" }),
	"id_stored_as_text":                 eachSpan(func(s span) bool { return len(s.text("traceId")) == 32 && isSpanID(s.text("spanId")) }),
	"value_rounded_through_float64":     func(_ context.Context, r *run, _ string) error { return r.timesAsSent() },
	"raw_times_rewritten":               func(_ context.Context, r *run, _ string) error { return r.timesAsSent() },
	"duration_over_1_hour":              eachTrace(func(t *trace) bool { return slices.Max(t.durations()) <= time.Hour }),
	"negative_duration_in_any_query":    eachTrace(func(t *trace) bool { return slices.Min(t.durations()) >= 0 }),
	"root_reported_as_orphan":           eachTrace(func(t *trace) bool { return !rootsAmong(t, t.found("FINDING_KIND_ORPHAN")) }),
	"stack_overflow":                    invariants["process_alive"],
	"panic_in_json_encoder":             invariants["query_json_valid"],
	"span_dropped":                      func(_ context.Context, r *run, _ string) error { return r.everySpan() },
	"server_span_lost":                  func(_ context.Context, r *run, _ string) error { return r.everySpan() },
	"span_shown_twice":                  eachTrace(func(t *trace) bool { return shapeWords["each_span_once"](t, true) == nil }),
	"null_turned_into_0":                eachLog(func(l record) bool { return l.fields["body"] != "0" }),
	"stored_at_1970":                    eachLog(func(l record) bool { return !strings.HasPrefix(fmt.Sprint(l.fields["time"]), "1970") }),
	"counts_doubled_by_retry":           func(_ context.Context, r *run, _ string) error { return r.everySpan() },
	"query_hung_under_client_span":      eachTrace(func(t *trace) bool { return !t.hungUnderClient() }),
	"bytes_mined_as_words":              func(_ context.Context, r *run, _ string) error { return r.bytesHaveNoWords() },
	"nan_in_baseline":                   func(_ context.Context, r *run, _ string) error { return r.seriesFinite() },
	"null_in_place_of_nan_without_mark": func(_ context.Context, r *run, _ string) error { return r.eachPoint(metricPoint.honest) },
	"negative_delta":                    func(_ context.Context, r *run, _ string) error { return r.eachPoint(metricPoint.rises) },
	"points_lost_after_reset":           func(_ context.Context, r *run, _ string) error { return r.eachPoint(metricPoint.counted) },
	"two_traces_from_one_id_by_letter_case": func(_ context.Context, r *run, _ string) error {
		for _, id := range r.traceIDs() {
			lower, err := r.trace(id)
			upper, err2 := r.trace(strings.ToUpper(id))
			if err = errors.Join(err, err2); err != nil {
				return err
			}
			if lower == nil || upper != nil && len(upper.spans()) != len(lower.spans()) {
				return fmt.Errorf("trace %s is not the same in upper case", id)
			}
		}
		return nil
	},
	"unrelated_spans_merged_under_zero_id": func(_ context.Context, r *run, _ string) error {
		code, _, err := r.product.text("/api/v1/traces/" + zeroTrace)
		return errors.Join(err, wantThat(code != http.StatusOK, "there is a trace of zeros"))
	},
}

// anyAnswer is forbidden for every answer.
func anyAnswer(bad func(a answer) bool) question {
	return func(_ context.Context, r *run, _ string) error {
		if at := slices.IndexFunc(r.answers(), bad); at >= 0 {
			a := r.answers()[at]
			return fmt.Errorf("answer %d: %d %v %s", at+1, a.http, a.grpc, a.message())
		}
		return nil
	}
}

// leaks tells whether a text shows the insides of the program.
func leaks(text string) bool {
	return slices.ContainsFunc([]string{"goroutine ", ".go:", "panic", "*otlp.", "*json.", "proto: ", "runtime error"}, func(s string) bool {
		return strings.Contains(text, s)
	})
}
