package otlp_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

func TestALevelFindsAFaultOrLeavesItToADeeperOne(t *testing.T) {
	log := func(change func(*logsv1.LogRecord)) proto.Message {
		r := lowDisk()
		change(r)
		return logsOf(r)
	}
	point := func(change func(*metricsv1.Metric)) proto.Message {
		m := everyKind()[2]
		change(m)
		return metricsOf(m)
	}
	span := func(change func(*tracev1.Span)) proto.Message {
		m := oneBadSpan(change)
		g := m.ResourceSpans[0].ScopeSpans[0]
		g.Spans = g.Spans[1:2]
		return m
	}
	for name, c := range map[string]struct {
		signal      otlp.Signal
		m           proto.Message
		fields, all otlp.Fault
	}{
		"a span without fault":       {otlp.SignalTraces, span(func(*tracev1.Span) {}), 0, 0},
		"no trace id":                {otlp.SignalTraces, span(func(s *tracev1.Span) { s.TraceId = nil }), otlp.FaultTraceID, otlp.FaultTraceID},
		"a zero span id":             {otlp.SignalTraces, span(func(s *tracev1.Span) { s.SpanId = make([]byte, 8) }), otlp.FaultSpanID, otlp.FaultSpanID},
		"a long parent id":           {otlp.SignalTraces, span(func(s *tracev1.Span) { s.ParentSpanId = make([]byte, 9) }), otlp.FaultParentID, otlp.FaultParentID},
		"a name":                     {otlp.SignalTraces, span(func(s *tracev1.Span) { s.Name = bad }), otlp.FaultUTF8, otlp.FaultUTF8},
		"a trace state":              {otlp.SignalTraces, span(func(s *tracev1.Span) { s.TraceState = bad }), otlp.FaultUTF8, otlp.FaultUTF8},
		"a text of an event":         {otlp.SignalTraces, span(func(s *tracev1.Span) { s.Events[0].Name = bad }), 0, otlp.FaultUTF8},
		"too deep a value":           {otlp.SignalTraces, span(func(s *tracev1.Span) { s.Attributes[0].Value = nested(65) }), 0, otlp.FaultDepth},
		"an end before the start":    {otlp.SignalTraces, span(func(s *tracev1.Span) { s.EndTimeUnixNano = 1 }), 0, 0},
		"a link without ids":         {otlp.SignalTraces, span(func(s *tracev1.Span) { s.Links = []*tracev1.Span_Link{{}} }), 0, 0},
		"a log without fault":        {otlp.SignalLogs, log(func(*logsv1.LogRecord) {}), 0, 0},
		"a log without ids":          {otlp.SignalLogs, log(func(r *logsv1.LogRecord) { r.TraceId, r.SpanId = nil, make([]byte, 8) }), 0, 0},
		"a short trace id of a log":  {otlp.SignalLogs, log(func(r *logsv1.LogRecord) { r.TraceId = r.TraceId[:5] }), otlp.FaultTraceID, otlp.FaultTraceID},
		"a long span id of a log":    {otlp.SignalLogs, log(func(r *logsv1.LogRecord) { r.SpanId = r.TraceId }), otlp.FaultSpanID, otlp.FaultSpanID},
		"an event name":              {otlp.SignalLogs, log(func(r *logsv1.LogRecord) { r.EventName = bad }), otlp.FaultUTF8, otlp.FaultUTF8},
		"a body":                     {otlp.SignalLogs, log(func(r *logsv1.LogRecord) { r.Body = text("", bad).Value }), 0, otlp.FaultUTF8},
		"too deep a body":            {otlp.SignalLogs, log(func(r *logsv1.LogRecord) { r.Body = nested(65) }), 0, otlp.FaultDepth},
		"too many attributes":        {otlp.SignalLogs, log(func(r *logsv1.LogRecord) { r.Attributes = make([]*commonv1.KeyValue, otlp.MaxCount+1) }), 0, otlp.FaultCount},
		"a metric without fault":     {otlp.SignalMetrics, point(func(*metricsv1.Metric) {}), 0, 0},
		"a unit":                     {otlp.SignalMetrics, point(func(m *metricsv1.Metric) { m.Unit = bad }), otlp.FaultUTF8, otlp.FaultUTF8},
		"buckets that do not add up": {otlp.SignalMetrics, point(func(m *metricsv1.Metric) { m.GetHistogram().DataPoints[0].Count = 5 }), 0, otlp.FaultBuckets},
		"metadata":                   {otlp.SignalMetrics, point(func(m *metricsv1.Metric) { m.Metadata = []*commonv1.KeyValue{text("k", bad)} }), 0, otlp.FaultUTF8},
		"too deep metadata": {otlp.SignalMetrics, point(func(m *metricsv1.Metric) {
			m.Unit, m.Metadata = bad, []*commonv1.KeyValue{{Key: "k", Value: nested(65)}}
		}), otlp.FaultUTF8, otlp.FaultDepth},
	} {
		t.Run(name, func(t *testing.T) {
			b := spoiled(t, c.m)
			for level, want := range []otlp.Fault{0, c.fields, c.all} {
				got, err := faults(c.signal, b, otlp.Level(level))
				require.NoError(t, err)
				require.Equal(t, []otlp.Fault{want}, got, "level %d", level)
			}
			var r otlp.Request
			err := r.Scan(c.signal, b, nil)
			requireSameFaults(t, &r, err)
		})
	}
}

func TestWhatIsAroundItemsIsTheirFaultAtTheDeepestLevelOnly(t *testing.T) {
	m := oneBadSpan(func(s *tracev1.Span) { s.TraceId = nil })
	group := m.ResourceSpans[0]
	group.ScopeSpans = append(group.ScopeSpans, proto.CloneOf(group.ScopeSpans[0]))
	found := func(level otlp.Level) []otlp.Fault {
		got, err := faults(otlp.SignalTraces, spoiled(t, m), level)
		require.NoError(t, err)
		return got
	}
	group.ScopeSpans[0].Scope.Name = bad
	require.Equal(t, []otlp.Fault{0, otlp.FaultTraceID, 0, 0, otlp.FaultTraceID, 0}, found(otlp.LevelFields))
	require.Equal(t, []otlp.Fault{otlp.FaultUTF8, otlp.FaultTraceID, otlp.FaultUTF8, 0, otlp.FaultTraceID, 0}, found(otlp.LevelAll))
	group.ScopeSpans[0].SchemaUrl = bad
	group.Resource.Attributes[0].Value = nested(65)
	require.Equal(t, bytes.Repeat([]byte{byte(otlp.FaultDepth)}, 6), asBytes(found(otlp.LevelAll)))
}

func asBytes(faults []otlp.Fault) (out []byte) {
	for _, f := range faults {
		out = append(out, byte(f))
	}
	return out
}

func TestFramingIsBadOnlyAsFarAsALevelLooks(t *testing.T) {
	attribute := wrap([]byte("\x0a\x100123456789abcdef\x12\x0801234567\x4a\x02\x0a\x05"), 2, 2, 1)
	for level, want := range []string{"", "", "resource_spans[0].scope_spans[0].spans[0].attributes[0].key: a length runs past the end of its message at byte 36"} {
		_, err := faults(otlp.SignalTraces, attribute, otlp.Level(level))
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
	}
}
