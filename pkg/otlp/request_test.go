package otlp_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// wrap puts bytes into a field, from the inside out.
func wrap(b []byte, fields ...protowire.Number) []byte {
	for _, f := range fields {
		b = protowire.AppendBytes(protowire.AppendTag(nil, f, protowire.BytesType), b)
	}
	return b
}

func nested(depth int) *commonv1.AnyValue {
	v := &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: 1}}
	for range depth - 1 {
		v = &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: []*commonv1.AnyValue{v}}}}
	}
	return v
}

// oneBadSpan gives a request of three spans, of which the middle one was changed.
func oneBadSpan(change func(*tracev1.Span)) *collectorv1.ExportTraceServiceRequest {
	m := checkout()
	spans := m.ResourceSpans[0].ScopeSpans[0]
	bad := proto.CloneOf(spans.Spans[0])
	change(bad)
	spans.Spans = []*tracev1.Span{spans.Spans[0], bad, spans.Spans[0]}
	return m
}

func TestAFaultySpanIsRefusedAloneAndNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tracev1.Span)
		fault  otlp.Fault
		path   string
		text   string
	}{
		"no trace id":    {func(s *tracev1.Span) { s.TraceId = nil }, otlp.FaultTraceID, ".trace_id", "missing, want 16 bytes"},
		"short trace id": {func(s *tracev1.Span) { s.TraceId = s.TraceId[:7] }, otlp.FaultTraceID, ".trace_id", "7 bytes, want 16"},
		"zero trace id":  {func(s *tracev1.Span) { s.TraceId = make([]byte, 16) }, otlp.FaultTraceID, ".trace_id", "all zero, want an id"},
		"no span id":     {func(s *tracev1.Span) { s.SpanId = nil }, otlp.FaultSpanID, ".span_id", "missing, want 8 bytes"},
		"long span id":   {func(s *tracev1.Span) { s.SpanId = make([]byte, 9) }, otlp.FaultSpanID, ".span_id", "9 bytes, want 8"},
		"zero span id":   {func(s *tracev1.Span) { s.SpanId = make([]byte, 8) }, otlp.FaultSpanID, ".span_id", "all zero, want an id"},
		"long parent id": {func(s *tracev1.Span) { s.ParentSpanId = make([]byte, 16) }, otlp.FaultParentID, ".parent_span_id", "16 bytes, want 8"},
		"deep value":     {func(s *tracev1.Span) { s.Attributes[0].Value = nested(otlp.MaxDepth + 1) }, otlp.FaultDepth, ".attributes[0].value", "values nested deeper than 64"},
		"many events":    {func(s *tracev1.Span) { s.Events = make([]*tracev1.Span_Event, otlp.MaxCount+1); fill(s.Events) }, otlp.FaultCount, ".events[16384]", "more than 16384 elements"},
	} {
		t.Run(name, func(t *testing.T) {
			var r otlp.Request
			require.NoError(t, r.Scan(otlp.SignalTraces, encode(t, oneBadSpan(c.change)), nil))
			require.Equal(t, []int{3, 1}, []int{r.Items, r.Refused})
			path := "resource_spans[0].scope_spans[0].spans[1]" + c.path
			if c.fault == otlp.FaultCount {
				path = "resource_spans[0].scope_spans[0].spans[1].events[16382]" // after two attributes
			}
			require.Equal(t, []otlp.Refusal{{Fault: c.fault, Items: 1, Path: path, Text: c.text}}, unplaced(r.Refusals()))

			want := oneBadSpan(c.change)
			spans := want.ResourceSpans[0].ScopeSpans[0]
			spans.Spans = append(spans.Spans[:1], spans.Spans[2:]...)
			requireMessage(t, want, r.Kept())
		})
	}
}

// unplaced leaves out where the items lie.
func unplaced(refusals []otlp.Refusal) []otlp.Refusal {
	for i := range refusals {
		refusals[i].Item = otlp.Range{}
	}
	return refusals
}

func fill(events []*tracev1.Span_Event) {
	for i := range events {
		events[i] = &tracev1.Span_Event{}
	}
}

func requireMessage(t *testing.T, want proto.Message, b []byte) {
	t.Helper()
	got := want.ProtoReflect().New().Interface()
	require.NoError(t, proto.Unmarshal(b, got))
	require.True(t, proto.Equal(want, got), "want %v\ngot %v", want, got)
}

func TestWhatIsOddButLegalIsTaken(t *testing.T) {
	for name, change := range map[string]func(*tracev1.Span){
		"a root":                     func(s *tracev1.Span) { s.ParentSpanId = nil },
		"the end before the start":   func(s *tracev1.Span) { s.EndTimeUnixNano = s.StartTimeUnixNano - 1 },
		"no times":                   func(s *tracev1.Span) { s.StartTimeUnixNano, s.EndTimeUnixNano = 0, 0 },
		"an enum of a newer version": func(s *tracev1.Span) { s.Kind = 99 },
		"an unknown field":           func(s *tracev1.Span) { s.ProtoReflect().SetUnknown(wrap([]byte("new"), 99)) },
		"values as deep as may be":   func(s *tracev1.Span) { s.Attributes[0].Value = nested(otlp.MaxDepth) },
		"text beyond ASCII":          func(s *tracev1.Span) { s.Attributes[0].Key = "größe" },
	} {
		t.Run(name, func(t *testing.T) {
			b := encode(t, oneBadSpan(change))
			var r otlp.Request
			require.NoError(t, r.Scan(otlp.SignalTraces, b, nil))
			require.Equal(t, []int{3, 0}, []int{r.Items, r.Refused})
			require.Equal(t, b, r.Kept())
		})
	}
}

func TestAFaultOfLogsAndMetricsIsNamedByItsField(t *testing.T) {
	for name, c := range map[string]struct {
		signal     otlp.Signal
		body       []byte
		path, text string
	}{
		"the first of two trace ids": {
			otlp.SignalLogs, wrap(append(wrap(wrap([]byte("abc"), 9), 2), wrap(wrap([]byte("abcd"), 9), 2)...), 2, 1),
			"resource_logs[0].scope_logs[0].log_records[0].trace_id", "3 bytes, want 16",
		},
		"a value in a map in a body": {
			otlp.SignalLogs, encode(t, logsOf(&logsv1.LogRecord{}, &logsv1.LogRecord{Body: mapOf(nested(64))})),
			"resource_logs[0].scope_logs[0].log_records[1].body", "values nested deeper than 64",
		},
		"an exemplar": {
			otlp.SignalMetrics, encode(t, metricsOf(&metricsv1.Metric{Name: "m", Data: &metricsv1.Metric_Sum{Sum: &metricsv1.Sum{DataPoints: []*metricsv1.NumberDataPoint{
				{}, {Exemplars: []*metricsv1.Exemplar{{}, {FilteredAttributes: []*commonv1.KeyValue{{}, {Value: nested(65)}}}}},
			}}}})),
			"resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[1].exemplars[1].filtered_attributes[1].value", `metric "m": values nested deeper than 64`,
		},
		"what heads the points": {
			otlp.SignalMetrics, encode(t, metricsOf(&metricsv1.Metric{}, &metricsv1.Metric{
				Name: "m", Metadata: []*commonv1.KeyValue{{Value: nested(65)}}, Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{{}}}},
			})),
			"resource_metrics[0].scope_metrics[0].metrics[1].metadata[0].value", `metric "m": values nested deeper than 64`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r otlp.Request
			require.NoError(t, r.Scan(c.signal, c.body, nil))
			require.Equal(t, []string{c.path, c.text}, []string{r.Refusals()[0].Path, r.Refusals()[0].Text})
		})
	}
}

// mapOf gives a map with a value.
func mapOf(v *commonv1.AnyValue) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: []*commonv1.KeyValue{{Key: "k", Value: v}}}}}
}

func TestAPlainPairAtTheDeepestLevelIsTooDeep(t *testing.T) {
	for depth, refused := range map[int]int{otlp.MaxDepth: 0, otlp.MaxDepth + 1: 1} {
		v := text("", "leaf").Value
		for range depth - 1 {
			v = mapOf(v)
		}
		body := encode(t, logsOf(&logsv1.LogRecord{Body: v}))
		var r otlp.Request
		require.NoError(t, r.Scan(otlp.SignalLogs, body, nil))
		require.Equal(t, refused, r.Refused)
		_, err := otlp.AppendJSON(nil, otlp.SignalLogs, r.Kept())
		require.NoError(t, err)
	}
}

func TestBadFramingRefusesTheRequestAndSaysWhere(t *testing.T) {
	good := encode(t, checkout())
	for _, c := range []struct {
		name string
		body []byte
		err  string
	}{
		{"cut off", good[:len(good)-9], "resource_spans[0]: a length runs past the end of its message at byte 0"},
		{"garbage behind", append(good[:len(good):len(good)], 0xff), "a varint is cut off or longer than 10 bytes at byte"},
		{"a field number of zero", []byte{0x02, 0x00}, "a field number is outside 1 to 536870911 at byte 0"},
		{"a wire type that is none", []byte{0x0f}, "resource_spans[0]: a wire type is none of protobuf at byte 0"},
		{"a group that is not closed", []byte{0x9b, 0x06}, "field 99: a group is not closed at byte 0"},
		{"a length inside of a span", wrap([]byte{0x0a, 0x7f}, 2, 2, 1), "resource_spans[0].scope_spans[0].spans[0].trace_id: a length runs past the end of its message at byte 6"},
		{"a length inside of an attribute", wrap([]byte{0x12, 0x01, 0x0a}, 9, 2, 2, 1), "resource_spans[0].scope_spans[0].spans[0].attributes[0].value.string_value: a varint is cut off or longer than 10 bytes at byte 10"},
		{"two resources", wrap([]byte{0x0a, 0x00, 0x0a, 0x00}, 1), "resource_spans[0].resource: given twice, want at most once at byte 4"},
		{"text", []byte("hello"), "field 13: a wire type is none of protobuf at byte 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r otlp.Request
			err := r.Scan(otlp.SignalTraces, c.body, nil)
			require.ErrorContains(t, err, c.err)
			var m *otlp.Malformed
			require.ErrorAs(t, err, &m)
		})
	}
}

func TestALogRecordIsTheItemOfLogs(t *testing.T) {
	m := &collectorlogsv1.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{
		LogRecords: []*logsv1.LogRecord{
			{Body: nested(3)},
			{TraceId: []byte("short")},
			{TraceId: make([]byte, 16), SpanId: make([]byte, 8)},
			{TraceId: []byte("0123456789abcdef"), SpanId: []byte("0123")},
			{Body: nested(otlp.MaxDepth + 1)},
		},
	}}}}}
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalLogs, encode(t, m), nil))
	require.Equal(t, []int{5, 3}, []int{r.Items, r.Refused})
	require.Equal(t, []otlp.Refusal{
		{Fault: otlp.FaultTraceID, Items: 1, Path: "resource_logs[0].scope_logs[0].log_records[1].trace_id", Text: "5 bytes, want 16"},
		{Fault: otlp.FaultSpanID, Items: 1, Path: "resource_logs[0].scope_logs[0].log_records[3].span_id", Text: "4 bytes, want 8"},
		{Fault: otlp.FaultDepth, Items: 1, Path: "resource_logs[0].scope_logs[0].log_records[4].body", Text: "values nested deeper than 64"},
	}, unplaced(r.Refusals()))
	records := m.ResourceLogs[0].ScopeLogs[0]
	records.LogRecords = []*logsv1.LogRecord{records.LogRecords[0], records.LogRecords[2]}
	requireMessage(t, m, r.Kept())
}

func TestADataPointIsTheItemOfMetrics(t *testing.T) {
	gauge := &metricsv1.Metric{Name: "lb.limit", Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{
		DataPoints: []*metricsv1.NumberDataPoint{{}, {Attributes: []*commonv1.KeyValue{{Key: "a", Value: nested(65)}}}, {}},
	}}}
	points := &metricsv1.Histogram{DataPoints: []*metricsv1.HistogramDataPoint{
		{Count: 3, BucketCounts: []uint64{1, 1, 1}, ExplicitBounds: []float64{0.1, 1}},
		{Count: 3, BucketCounts: []uint64{1, 2}, ExplicitBounds: []float64{0.1, 1}},
		{Count: 7},
		{Count: 4, BucketCounts: []uint64{4}},
	}}
	m := &collectormetricsv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{
		Metrics: []*metricsv1.Metric{gauge, {Name: "lb.wait", Data: &metricsv1.Metric_Histogram{Histogram: points}}, {Name: "empty"}},
	}}}}}
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalMetrics, encode(t, m), nil))
	require.Equal(t, []int{7, 2}, []int{r.Items, r.Refused})
	require.Equal(t, []otlp.Refusal{
		{Fault: otlp.FaultDepth, Items: 1, Path: "resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[1].attributes[0].value", Text: `metric "lb.limit": values nested deeper than 64`},
		{
			Fault: otlp.FaultBuckets, Items: 1, Path: "resource_metrics[0].scope_metrics[0].metrics[1].histogram.data_points[1].bucket_counts",
			Text: `metric "lb.wait": 2 bucket counts, want 3 for 2 bounds`,
		},
	}, unplaced(r.Refusals()))
	gauge.GetGauge().DataPoints = gauge.GetGauge().DataPoints[:2]
	gauge.GetGauge().DataPoints[1] = &metricsv1.NumberDataPoint{}
	points.DataPoints = append(points.DataPoints[:1], points.DataPoints[2:]...)
	requireMessage(t, m, r.Kept())
}

func TestNothingIsAllocatedOnceTheSlicesHaveGrown(t *testing.T) {
	bodies := [][]byte{load(t, 512), logLoad(t, 512), metricLoad(t, 512)}
	var r otlp.Request
	var traces otlp.Traces
	var logs otlp.Logs
	var metrics otlp.Metrics
	seen := 0
	require.Zero(t, testing.AllocsPerRun(20, func() {
		for s, b := range bodies {
			_ = r.Scan(otlp.Signal(s), b, nil)
		}
		for level := otlp.LevelFraming; level <= otlp.LevelAll; level++ {
			_, _, _ = traces.Scan(bodies[0], level), logs.Scan(bodies[1], level), metrics.Scan(bodies[2], level)
		}
		for i := range traces.Spans {
			traces.SpanAttr(&traces.Spans[i], "http.route")
		}
		for i := range logs.Records {
			for key := range logs.RecordAttrs(&logs.Records[i]) {
				seen += len(key)
			}
		}
		for i := range metrics.Points {
			p := &metrics.Points[i]
			metrics.PointAttr(p, "http.route")
			for n := range metrics.BucketCounts(p) {
				seen += int(n)
			}
			for e := range metrics.Exemplars(p) {
				seen += int(e.Time)
			}
		}
	}))
	require.Equal(t, []int{512, 512, 512}, []int{len(traces.Spans), len(logs.Records), len(metrics.Points)})
}
