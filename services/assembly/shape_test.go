package assembly

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"pgregory.net/rapid"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
)

// path asks for a critical path.
func (b *bench) path(n uint64) *assemblyv1.GetCriticalPathResponse {
	p, err := b.server.GetCriticalPath(context.Background(), &assemblyv1.GetCriticalPathRequest{TraceId: traceOf(n).String()})
	require.NoError(b.t, err)
	return p
}

func TestAMazeOfATraceIsServedWholeWithItsFaults(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.push(1, from("maze",
		span(1, 1, 0, "root-a", serving, 0, 100), span(1, 2, 0, "root-b", internal, 10, 60), span(1, 3, 1, "child", internal, 5, 50),
		span(1, 4, 4, "self", internal, 6, 8), span(1, 5, 6, "x", internal, 20, 30), span(1, 6, 5, "y", internal, 21, 29),
		span(1, 7, 5, "z", internal, 22, 23), span(1, 8, 0xdead, "orphan", internal, 40, 45)))
	b.wait(3 * time.Second)
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Len(t, spansOf(got), 8)
	var kinds []string
	for _, f := range got.GetFindings() {
		kinds = append(kinds, f.GetSpanId()[12:]+" "+f.GetKind().String()[len("FINDING_KIND_"):])
	}
	require.Equal(t, []string{"0004 CYCLE", "0002 SEVERAL_ROOTS", "0005 CYCLE", "0006 CYCLE", "0008 ORPHAN"}, kinds)
	p := b.path(1)
	require.Equal(t, assemblyv1.CriticalPathStatus_CRITICAL_PATH_STATUS_PARTIAL, p.GetStatus())
	require.Equal(t, "the parent of 1 span never came; what links the 2 roots is not known; 3 spans are each other's ancestors", p.GetReason())
}

// TestNoTimesOrLinksUpsetAnAnswer sends spans with any times, kinds and parents, and reads all that is made of them.
func TestNoTimesOrLinksUpsetAnAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t)
		defer b.close()
		instant := rapid.OneOf(rapid.Uint64(), rapid.Just(uint64(0)), rapid.Map(rapid.Uint64Range(0, 100), func(ms uint64) uint64 {
			return uint64(t0().UnixNano()) + ms*1e6
		}))
		var spans []*tracev1.Span
		for i := range rapid.IntRange(1, 20).Draw(t, "n") {
			s := span(1, uint64(i+1), rapid.Uint64Range(0, 25).Draw(t, "parent"), "op", tracev1.Span_SpanKind(rapid.IntRange(0, 7).Draw(t, "kind")), 0, 0)
			s.StartTimeUnixNano, s.EndTimeUnixNano = instant.Draw(t, "start"), instant.Draw(t, "end")
			spans = append(spans, s)
		}
		cut := rapid.IntRange(0, len(spans)).Draw(t, "cut")
		b.push(1, from("a", spans[:cut]...), from("b", spans[cut:]...))
		open, err := b.trace(1)
		require.NoError(t, err)
		b.tick(35)
		got, err := b.trace(1)
		require.NoError(t, err)
		require.Len(t, spansOf(got), len(spans))
		require.Equal(t, open.GetFindings(), got.GetFindings())
		graph, err := b.server.GetGraph(context.Background(), &assemblyv1.GetGraphRequest{})
		require.NoError(t, err)
		p := b.path(1)
		for _, s := range p.GetSegments() {
			require.Positive(t, s.GetDuration().AsDuration())
		}
		for _, s := range graph.GetServices() {
			require.NoError(t, s.GetLastSeenTime().CheckValid())
		}
		_, err = protojson.Marshal(p)
		require.NoError(t, err)
		_, err = protojson.Marshal(got)
		require.NoError(t, err)
	})
}
