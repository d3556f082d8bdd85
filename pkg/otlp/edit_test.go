package otlp_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/triflow/triflow/pkg/otlp"
)

func TestNeighboursWithOneFaultAreOneNote(t *testing.T) {
	const items = 1 << 18
	good := wrap(encode(t, span(1, 2)), 2)
	body := wrap(bytes.Join([][]byte{good, bytes.Repeat([]byte{0x12, 0x00}, items), good}, nil), 2, 1)
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalTraces, body, nil))
	require.Equal(t, []int{items + 2, items}, []int{r.Items, r.Refused})
	require.Equal(t, items, r.Sources()[0].Refused)
	require.Equal(t, wrap(append(good, good...), 2, 1), r.Kept())
	require.Equal(t, "resourceSpans[0].scopeSpans[0].spans[1].traceId: missing, want 16 bytes; and 262143 more", r.Message(true))
}

func TestARequestWithTooMuchToNoteIsRefusedAsAWhole(t *testing.T) {
	apart := []byte("\x12\x00\x12\x12\x0a\x100123456789abcdef") // two spans, whose faults differ
	misspelt := wrap([]byte("\xff"), 3)                         // a schema url
	for name, c := range map[string]struct {
		body func(n int) []byte
		most int
		err  string
	}{
		"faults":    {func(n int) []byte { return wrap(bytes.Repeat(apart, n/2), 2, 1) }, otlp.MaxFaults, "more than 65536 faulty items"},
		"texts":     {func(n int) []byte { return wrap(bytes.Repeat(wrap(misspelt, 2), n), 1) }, otlp.MaxFaults, "more than 65536 faulty items"},
		"resources": {func(n int) []byte { return bytes.Repeat([]byte{0x0a, 0x00}, n) }, otlp.MaxSources, "more than 65536 resources"},
	} {
		t.Run(name, func(t *testing.T) {
			var r otlp.Request
			require.NoError(t, r.Scan(otlp.SignalTraces, c.body(c.most), nil))
			var m *otlp.Malformed
			err := r.Scan(otlp.SignalTraces, c.body(c.most+2), nil)
			require.ErrorAs(t, err, &m)
			require.ErrorContains(t, err, c.err)
		})
	}
}

func TestAMessageTellsEachKindOnceAndIsBounded(t *testing.T) {
	name := strings.Repeat("é", 500)
	m := oneBadSpan(func(s *tracev1.Span) { s.SpanId = s.SpanId[:3] })
	spans := m.ResourceSpans[0].ScopeSpans[0]
	spans.Spans = append(spans.Spans, &tracev1.Span{Name: name}, &tracev1.Span{}, span(1, 2))
	spans.Spans[4].TraceId = make([]byte, 16)
	spans.Spans[5].ParentSpanId = make([]byte, 8)
	r := scanned(t, otlp.SignalTraces, m)
	require.Equal(t, "resource_spans[0].scope_spans[0].spans[1].span_id: 3 bytes, want 8. "+
		"resource_spans[0].scope_spans[0].spans[3].trace_id: missing, want 16 bytes; and 1 more. "+
		"warning: resource_spans[0].scope_spans[0].spans[5].parent_span_id: all zero, left out", r.Message(false))
	require.Empty(t, scanned(t, otlp.SignalTraces, checkout()).Message(true))

	var marks []otlp.Mark
	for f := otlp.FaultTraceID; f <= otlp.FaultValue; f++ {
		marks = append(marks, otlp.Mark{Item: int(f) - 1, Path: strings.Repeat("array_value.", 99), Text: name + "\xff", Fault: f})
	}
	var marked otlp.Request
	require.NoError(t, marked.Scan(otlp.SignalTraces, wrap(bytes.Repeat([]byte{0x12, 0x00}, len(marks)), 2, 1), marks))
	text := marked.Message(true)
	require.True(t, utf8.ValidString(text))
	require.LessOrEqual(t, len(text), otlp.MaxMessage)
	require.Greater(t, len(text), otlp.MaxMessage-8)
}
