package main

import (
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectortracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// decode gives the spans of a request.
func decode(t *testing.T, body []byte) []*tracev1.Span {
	t.Helper()
	var m collectortracev1.ExportTraceServiceRequest
	require.NoError(t, proto.Unmarshal(body, &m))
	var spans []*tracev1.Span
	for _, r := range m.GetResourceSpans() {
		require.Equal(t, "service.name", r.GetResource().GetAttributes()[0].GetKey())
		for _, s := range r.GetScopeSpans() {
			spans = append(spans, s.GetSpans()...)
		}
	}
	return spans
}

func renewed(t *testing.T, seed uint64, now time.Time) []byte {
	t.Helper()
	r, err := newRequest(shopShape(512))
	require.NoError(t, err)
	return r.with(seed).renew(now)
}

func TestARequestIsOfTheShapeThatThePageTells(t *testing.T) {
	body := renewed(t, 1, time.Now())
	require.InDelta(t, 470, len(body)/512, 20, "bytes a span")
	spans := decode(t, body)
	require.Len(t, spans, 512)
	events, faults := 0, 0
	for _, s := range spans {
		require.Len(t, s.GetAttributes(), 10)
		events += len(s.GetEvents())
		if s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR {
			faults++
		}
	}
	require.InDelta(t, 512/5, events, 1)
	require.InDelta(t, 512/50, faults, 1)
}

func TestShapesDifferInSizeAndResources(t *testing.T) {
	for _, c := range []struct {
		of         shape
		spans      int
		resources  int
		attributes int
	}{{shopShape(512), 512, 6, 3}, {wideShape(512), 512, 4, 12}, {wideShape(50), 50, 4, 12}} {
		r, err := newRequest(c.of)
		require.NoError(t, err)
		var traces otlp.Traces
		require.NoError(t, traces.Scan(r.renew(time.Now()), otlp.LevelFields))
		require.Len(t, traces.Spans, c.spans)
		var m collectortracev1.ExportTraceServiceRequest
		require.NoError(t, proto.Unmarshal(r.body, &m))
		require.Len(t, m.GetResourceSpans(), c.resources)
		for _, rs := range m.GetResourceSpans() {
			require.Len(t, rs.GetResource().GetAttributes(), c.attributes)
		}
	}
}

func TestIngestionFindsNothingToRefuse(t *testing.T) {
	var traces otlp.Traces
	require.NoError(t, traces.Scan(renewed(t, 1, time.Now()), otlp.LevelFields))
	require.Len(t, traces.Spans, 512)
}

func TestTracesStayWholeWhenTheirIDsAreRenewed(t *testing.T) {
	byTrace := map[string]map[string]*tracev1.Span{}
	for _, s := range decode(t, renewed(t, 1, time.Now())) {
		if byTrace[string(s.GetTraceId())] == nil {
			byTrace[string(s.GetTraceId())] = map[string]*tracev1.Span{}
		}
		byTrace[string(s.GetTraceId())][string(s.GetSpanId())] = s
	}
	require.Len(t, byTrace, 64)
	for _, spans := range byTrace {
		require.Len(t, spans, spansPerTrace)
		roots := 0
		for _, s := range spans {
			if len(s.GetParentSpanId()) == 0 {
				roots++
				continue
			}
			require.Contains(t, spans, string(s.GetParentSpanId()))
		}
		require.Equal(t, 1, roots)
	}
}

func TestNoIDComesTwiceFromAnyConnection(t *testing.T) {
	traces, spans := map[string]bool{}, map[string]bool{}
	const connections, rounds = 3, 10
	first, err := newRequest(shopShape(512))
	require.NoError(t, err)
	for seed := range connections {
		r := first.with(uint64(seed))
		for range rounds {
			for _, s := range decode(t, r.renew(time.Now())) {
				traces[string(s.GetTraceId())], spans[string(s.GetSpanId())] = true, true
			}
		}
	}
	require.Len(t, traces, connections*rounds*64)
	require.Len(t, spans, connections*rounds*512)
}

func TestSamplingSeesRandomTraceIDs(t *testing.T) {
	r, err := newRequest(shopShape(512))
	require.NoError(t, err)
	ones, all := 0, 0
	for range 20 {
		for _, s := range decode(t, r.renew(time.Now())) {
			for _, b := range s.GetTraceId()[9:] { // the 56 bits that decide
				ones += bits.OnesCount8(b)
				all += 8
			}
		}
	}
	require.InDelta(t, 0.5, float64(ones)/float64(all), 0.02)
}

func TestSpansEndedJustBeforeTheRequest(t *testing.T) {
	now := time.Now()
	for _, s := range decode(t, renewed(t, 1, now)) {
		start, end := time.Unix(0, int64(s.GetStartTimeUnixNano())), time.Unix(0, int64(s.GetEndTimeUnixNano()))
		require.True(t, start.Before(end))
		require.True(t, end.Before(now))
		require.Less(t, now.Sub(start), 2*time.Second)
		for _, e := range s.GetEvents() {
			require.False(t, time.Unix(0, int64(e.GetTimeUnixNano())).Before(start))
		}
	}
}
