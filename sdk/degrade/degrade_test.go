package degrade

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/triflow/triflow/sdk/pressure"
	"github.com/triflow/triflow/sdk/processor"
)

func aSpan() tracetest.SpanStub {
	attributes := func() []attribute.KeyValue {
		return []attribute.KeyValue{
			attribute.String("http.request.body", "{}"),
			attribute.String("short", strings.Repeat("x", 64)),
			attribute.String("long", strings.Repeat("é", 33)),
			attribute.StringSlice("list", []string{"a", "b"}),
		}
	}
	return tracetest.SpanStub{
		Name:       "POST /orders",
		Attributes: attributes(),
		Events:     []sdktrace.Event{{Name: "exception", Attributes: attributes()}, {Name: "retry"}},
		Links:      []sdktrace.Link{{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}})}},

		DroppedEvents: 3,
		DroppedLinks:  5,
	}
}

func TestTheFlagsSayWhatIsLeftOut(t *testing.T) {
	small := []attribute.KeyValue{
		attribute.Int("http.request.body.size", 2),
		attribute.String("short", strings.Repeat("x", 64)),
		attribute.Int("long.size", 66),
		attribute.Int("list.size", len(`["a","b"]`)),
	}
	for _, tc := range []struct {
		name  string
		flags Flags
		want  func(*tracetest.SpanStub)
	}{
		{"nothing", 0, func(*tracetest.SpanStub) {}},
		{"values", Values, func(s *tracetest.SpanStub) { s.Attributes, s.Events[0].Attributes = small, small }},
		{"events", Events, func(s *tracetest.SpanStub) { s.Events, s.DroppedEvents = nil, 5 }},
		{"links", Links, func(s *tracetest.SpanStub) { s.Links, s.DroppedLinks = nil, 6 }},
		{"all, and flags that there are not", ^Flags(0), func(s *tracetest.SpanStub) {
			s.Attributes, s.Events, s.Links, s.DroppedEvents, s.DroppedLinks = small, nil, nil, 5, 6
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			memory := tracetest.NewInMemoryExporter()
			e, err := New(memory, WithKeys("http.request.body", "list", "absent"), WithMaxString(64))
			require.NoError(t, err)
			e.Set(tc.flags)
			given := []sdktrace.ReadOnlySpan{aSpan().Snapshot()}
			require.NoError(t, e.ExportSpans(t.Context(), given))
			want := aSpan()
			tc.want(&want)
			require.Equal(t, tracetest.SpanStubs{want}.Snapshots(), memory.GetSpans().Snapshots())
			require.Equal(t, aSpan().Snapshot(), given[0], "the span itself is as before")

			e.Set(0)
			memory.Reset()
			require.NoError(t, e.ExportSpans(t.Context(), given))
			require.Equal(t, given, memory.GetSpans().Snapshots(), "and detail comes back")
		})
	}
}

func TestASizeThatIsThereAlreadyStaysAndComesOnce(t *testing.T) {
	memory := tracetest.NewInMemoryExporter()
	e, err := New(memory, WithKeys("http.request.body"))
	require.NoError(t, err)
	e.Set(Values)
	span := tracetest.SpanStub{Attributes: []attribute.KeyValue{
		attribute.String("http.request.body", `{"cut": true`),
		attribute.Int("status", 200),
		attribute.Int("http.request.body.size", 4096), // by who saw the whole of it
	}}
	require.NoError(t, e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{span.Snapshot()}))
	require.Equal(t, span.Attributes[1:], memory.GetSpans()[0].Attributes)
}

func TestTheLevelGoesWithPressureAndJoinsTheFlagsThatWereSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(tracetest.NewNoopExporter())
		require.NoError(t, err)
		var reading pressure.Reading
		e.Follow(func() pressure.Reading { return reading }, time.Second)
		after := func(fill float64) Flags {
			reading.Fill = fill
			<-time.After(time.Second) // by the clock of the bubble
			require.NoError(t, e.ExportSpans(t.Context(), nil))
			return e.Flags()
		}
		for _, step := range []struct {
			fill float64
			want Flags
		}{
			{0, 0},
			{1, Values},
			{0.7, Values},
			{1, Values | Events},
			{1, Values | Events | Links},
			{1, Values | Events | Links},
			{0, Values | Events},
		} {
			require.Equal(t, step.want, after(step.fill))
		}
		e.Set(Links)
		require.Equal(t, Values|Events|Links, e.Flags())
		require.Equal(t, Values|Links, after(0))
		require.Equal(t, Links, after(0))
		require.Equal(t, Links, after(0))
	})
}

func TestFaultyArgumentsAreAllReported(t *testing.T) {
	_, err := New(nil, WithMaxString(63))
	require.ErrorContains(t, err, "exporter: nil")
	require.ErrorContains(t, err, "max string: 63 bytes, want at least 64")
}

func TestBehindTheProcessorTheSequenceStaysWhole(t *testing.T) {
	memory := tracetest.NewInMemoryExporter()
	e, err := New(memory, WithMaxString(64))
	require.NoError(t, err)
	p, err := processor.New(e)
	require.NoError(t, err)
	e.Follow(p.Pressure, time.Second)
	e.Set(all)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p))
	_, s := provider.Tracer("").Start(t.Context(), "a", trace.WithAttributes(attribute.String("long", strings.Repeat("x", 65))))
	s.AddEvent("gone")
	s.End()
	require.NoError(t, p.ForceFlush(t.Context()))
	got := memory.GetSpans()[0]
	require.Equal(t, attribute.Int("long.size", 65), got.Attributes[0])
	require.Equal(t, []attribute.KeyValue{processor.FirstKey.Int(1), processor.CountKey.Int(1)}, got.Attributes[2:])
	require.Len(t, got.Attributes[1].Value.AsString(), 16)
	require.Equal(t, 1, got.DroppedEvents)
	require.NoError(t, provider.Shutdown(t.Context()))
}
