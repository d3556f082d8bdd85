package otlp_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
)

func FuzzJoiningAndSplittingLosesNothing(f *testing.F) {
	for s, b := range samples(f) {
		unknown := wrap([]byte("new"), 99)
		f.Add(uint8(s), b, b, uint8(1), uint16(200))
		f.Add(uint8(s), append(unknown, b...), bytes.Join([][]byte{b, unknown, wrap(unknown, 1), wrap(wrap(unknown, 2), 1), wrap(wrap(wrap(unknown, 2), 2), 1)}, nil), uint8(2), uint16(0))
	}
	f.Add(uint8(2), wrap([]byte("\x0a\x01a\x2a\x02\x0a\x00\x12\x01b\x2a\x02\x0a\x00"), 2, 2, 1), []byte{}, uint8(0), uint16(1))
	f.Fuzz(func(t *testing.T, signal uint8, a, b []byte, items uint8, size uint16) {
		requireLaws(t, otlp.Signal(signal%3), a, b, otlp.Bounds{Items: int(items), Bytes: int(size)})
	})
}

func TestRequestsOfAllSignalsAreJoinedAndSplitWithoutLoss(t *testing.T) {
	goods := samples(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := otlp.Signal(rapid.IntRange(0, 2).Draw(rt, "signal"))
		change := func(name string) []byte {
			b := bytes.Clone(goods[s])
			for range rapid.IntRange(0, 3).Draw(rt, name) {
				b[rapid.IntRange(0, len(b)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
			}
			return b
		}
		most := otlp.Bounds{Items: rapid.IntRange(0, 3).Draw(rt, "items"), Bytes: rapid.IntRange(0, 2*len(goods[s])).Draw(rt, "bytes")}
		requireLaws(rt, s, change("a"), change("b"), most)
	})
}

func TestNeighboursThatSayTheSameComeUnderOne(t *testing.T) {
	a, b := encode(t, checkout()), encode(t, oneBadSpan(func(s *tracev1.Span) { s.Name = "POST /cart" }))
	joined, err := otlp.Join(otlp.SignalTraces, a, b, b)
	require.NoError(t, err)
	var got collectorv1.ExportTraceServiceRequest
	require.NoError(t, proto.Unmarshal(joined, &got))
	require.Len(t, got.ResourceSpans, 6, "a resource without spans lies between them")

	got.Reset()
	var w otlp.Writer
	var v otlp.Traces
	for _, body := range [][]byte{a, b, b} {
		require.NoError(t, v.Scan(body, otlp.LevelFraming))
		for i := range v.Spans {
			w.AddSpan(&v, &v.Spans[i])
		}
	}
	require.NoError(t, proto.Unmarshal(w.Bytes(), &got))
	require.Len(t, got.ResourceSpans, 1)
	require.Len(t, got.ResourceSpans[0].ScopeSpans, 1)
	require.Len(t, got.ResourceSpans[0].ScopeSpans[0].Spans, 7)
	require.Empty(t, w.Bytes())
}

func TestEveryPartOfARequestHasWhatIsAroundItsItems(t *testing.T) {
	m := metricsOf(everyKind()[:2]...)
	unknown := wrap([]byte("new"), 99)
	m.ProtoReflect().SetUnknown(unknown)
	m.ResourceMetrics[0].ProtoReflect().SetUnknown(unknown)
	m.ResourceMetrics[0].ScopeMetrics[0].Metrics[0].ProtoReflect().SetUnknown(unknown)
	parts, err := otlp.Split(otlp.SignalMetrics, encode(t, m), otlp.Bounds{Items: 1})
	require.NoError(t, err)
	require.Len(t, parts, 3)
	gauge := m.ResourceMetrics[0].ScopeMetrics[0].Metrics[0].GetGauge()
	points := gauge.DataPoints
	gauge.DataPoints = points[1:]
	m.ResourceMetrics[0].ScopeMetrics[0].Metrics = m.ResourceMetrics[0].ScopeMetrics[0].Metrics[:1]
	requireMessage(t, m, parts[1].Bytes)

	b := encode(t, m)
	for _, most := range []otlp.Bounds{{}, {Items: 1}, {Bytes: len(b)}} {
		whole, err := otlp.Split(otlp.SignalMetrics, b, most)
		require.NoError(t, err)
		require.Equal(t, []otlp.Part{{Bytes: b, Items: 1}}, whole, "it is within bounds as it is")
	}
	alone, err := otlp.Split(otlp.SignalMetrics, b, otlp.Bounds{Bytes: 1})
	require.NoError(t, err)
	require.Len(t, alone, 1)
	requireMessage(t, m, alone[0].Bytes)
}

func TestMetricsWhosePointsDifferInMoreThanThemselvesStayApart(t *testing.T) {
	m := metricsOf(everyKind()[0], everyKind()[0])
	m.ResourceMetrics[0].ScopeMetrics[0].Metrics[1].GetGauge().ProtoReflect().SetUnknown(wrap([]byte("new"), 99))
	b := encode(t, m)
	joined, err := otlp.Join(otlp.SignalMetrics, b)
	require.NoError(t, err)
	requireMessage(t, m, joined)
}

func TestWhatCannotBeToldApartIsNeitherJoinedNorSplit(t *testing.T) {
	body := append(wrap([]byte("\x0a\x00"), 2, 1), 0x0a, 0x05)
	_, err := otlp.Join(otlp.SignalLogs, nil, body)
	require.EqualError(t, err, "request 1: resource_logs[1]: a length runs past the end of its message at byte 6")
	var m *otlp.Malformed
	require.ErrorAs(t, err, &m)
	_, err = otlp.Split(otlp.SignalLogs, body, otlp.Bounds{Items: 1})
	require.ErrorAs(t, err, &m)
}

// requireLaws holds Join and Split of two requests against what protobuf reads.
func requireLaws(t require.TestingT, s otlp.Signal, a, b []byte, most otlp.Bounds) {
	var ra, rb otlp.Request
	if ra.Scan(s, a, nil) != nil || rb.Scan(s, b, nil) != nil {
		return
	}
	a, b = ra.Kept(), rb.Kept()
	both, err := otlp.Join(s, a, b)
	require.NoError(t, err)
	want, got := of(t, s, a, b), of(t, s, both)
	require.Equal(t, want.items, got.items)
	require.Equal(t, want.outline, got.outline)
	require.Equal(t, want.unknown, got.unknown)

	again, err := otlp.Join(s, both)
	require.NoError(t, err)
	require.Equal(t, both, again, "joined once more it is the same")
	if want.unknown == "" {
		appended, err := otlp.Join(s, append(bytes.Clone(a), b...))
		require.NoError(t, err)
		require.Equal(t, both, appended, "to append is to join")
	}

	parts, err := otlp.Split(s, both, most)
	require.NoError(t, err)
	var pieces [][]byte
	for _, p := range parts {
		here := of(t, s, p.Bytes)
		require.Len(t, here.items, p.Items)
		require.Equal(t, got.unknown, here.unknown)
		require.True(t, most.Items == 0 || p.Items <= most.Items)
		require.True(t, most.Bytes == 0 || len(p.Bytes) <= most.Bytes || p.Items <= 1, "%d items in %d bytes, want %d", p.Items, len(p.Bytes), most.Bytes)
		pieces = append(pieces, p.Bytes)
	}
	whole, err := otlp.Join(s, pieces...)
	require.NoError(t, err)
	require.Equal(t, both, whole, "what was split is joined again")
}
