package assembly

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"

	"github.com/triflow/triflow/pkg/otlp"
)

// noteOf finds the note of a span by the last digit of its id.
func noteOf(t require.TestingT, got *assemblyv1.GetTraceResponse, digit string) *assemblyv1.SpanNote {
	at := slices.IndexFunc(got.GetSpanNotes(), func(n *assemblyv1.SpanNote) bool { return n.GetSpanId()[15:] == digit })
	require.GreaterOrEqual(t, at, 0)
	return got.GetSpanNotes()[at]
}

// impossible is a trace of a span that ends before it starts, one without end, one without times, and one with a mark.
func impossible() *tracev1.ResourceSpans {
	endless, timeless := span(1, 3, 1, "endless", internal, 20, 0), span(1, 4, 1, "timeless", internal, 0, 0)
	endless.EndTimeUnixNano, timeless.StartTimeUnixNano, timeless.EndTimeUnixNano = 0, 0, 0
	reversed := span(1, 2, 1, "reversed", internal, 50, 50)
	reversed.EndTimeUnixNano--
	marked := with(span(1, 5, 1, "marked", internal, 1, 2), text(otlp.QualityKey, otlp.QualityInvalidUTF8))
	return from("pay", span(1, 1, 0, "charge", serving, 0, 100), reversed, endless, timeless, marked)
}

func TestASpanWithImpossibleTimesIsFlaggedAndFiledUnderTheTimeThereIs(t *testing.T) {
	b := newBench(t)
	defer b.close()
	received := b.clock.read()
	b.push(1, impossible())
	check := func(got *assemblyv1.GetTraceResponse) {
		require.Empty(t, noteOf(t, got, "1").GetQualityFlags())
		require.Equal(t, []string{"end_before_start"}, noteOf(t, got, "2").GetQualityFlags())
		require.Zero(t, noteOf(t, got, "2").GetDuration().AsDuration())
		require.Equal(t, []string{"missing_end"}, noteOf(t, got, "3").GetQualityFlags())
		require.Equal(t, t0().Add(20*time.Millisecond), noteOf(t, got, "3").GetEventTime().AsTime())
		require.Equal(t, []string{"missing_start", "missing_end"}, noteOf(t, got, "4").GetQualityFlags())
		require.Equal(t, received, noteOf(t, got, "4").GetEventTime().AsTime())
		require.Equal(t, []string{otlp.QualityInvalidUTF8}, noteOf(t, got, "5").GetQualityFlags())
		for _, n := range got.GetSpanNotes() {
			require.Equal(t, received, n.GetReceiveTime().AsTime())
		}
	}
	open, err := b.trace(1)
	require.NoError(t, err)
	check(open)
	b.wait(3 * time.Second)
	b.crash()
	stored, err := b.trace(1)
	require.NoError(t, err)
	check(stored)
}

func TestATraceWithoutAnyTimeStartsWhenItWasReceived(t *testing.T) {
	b := newBench(t)
	defer b.close()
	s := span(1, 1, 0, "timeless", serving, 0, 0)
	s.StartTimeUnixNano, s.EndTimeUnixNano = 0, 0
	received := b.clock.read()
	b.push(1, from("pay", s))
	b.wait(3 * time.Second)
	got, err := b.trace(1)
	require.NoError(t, err, "it is not as old as 1970, which would be deleted at once")
	require.Equal(t, received, got.GetSummary().GetStartTime().AsTime())
}

func TestACopyThatSaysMoreTakesThePlaceOfTheOther(t *testing.T) {
	b := newBench(t)
	defer b.close()
	begun, ended := span(1, 1, 0, "GET", serving, 0, 0), span(1, 1, 0, "GET", serving, 0, 80)
	begun.EndTimeUnixNano = 0
	b.push(1, from("front", begun))
	b.push(2, from("front", ended))
	b.push(3, from("front", begun))
	b.wait(3 * time.Second)
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Len(t, got.GetSpanNotes(), 1)
	require.Equal(t, 80*time.Millisecond, got.GetSummary().GetDuration().AsDuration())
	require.Equal(t, uint64(2), b.balanced().GetDuplicates())
	svc, err := b.server.GetService(context.Background(), &assemblyv1.GetServiceRequest{Service: "front"})
	require.NoError(t, err)
	require.Equal(t, uint64(1), svc.GetService().GetRed().GetRequests())
}

func TestSpansOfTwoServicesAreTwoThoughTheirIDsAndKindsAreEqual(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.push(1, from("front", span(1, 1, 0, "a", 0, 0, 100)), from("back", span(1, 1, 0, "b", 0, 20, 80)))
	b.wait(3 * time.Second)
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Len(t, got.GetSpanNotes(), 2)
	require.Zero(t, b.balanced().GetDuplicates())
}

func TestSpansThatJoinLaterAmendTheTraceAndMakeItComplete(t *testing.T) {
	b := newBench(t)
	defer b.close()
	parts := shop(1)
	check := func(phase assemblyv1.TracePhase, state assemblyv1.TraceState, missing uint32, completeness float64) {
		got, err := b.trace(1)
		require.NoError(t, err)
		s := got.GetSummary()
		require.Equal(t, phase, s.GetPhase())
		require.Equal(t, state, s.GetState())
		require.Equal(t, missing, s.GetMissingSpanCount())
		require.Equal(t, completeness, s.GetCompleteness())
		require.Len(t, got.GetMissingParentIds(), int(missing))
	}
	b.push(1, from("front", span(1, 1, 0, "GET /", serving, 0, 100)), parts[1])
	check(assemblyv1.TracePhase_TRACE_PHASE_OPEN, assemblyv1.TraceState_TRACE_STATE_OPEN, 1, 0.75)
	b.wait(3 * time.Second)
	check(assemblyv1.TracePhase_TRACE_PHASE_SETTLED, assemblyv1.TraceState_TRACE_STATE_INCOMPLETE, 1, 0.75)
	b.push(2, parts[0])
	b.wait(31 * time.Second)
	check(assemblyv1.TracePhase_TRACE_PHASE_AMENDED, assemblyv1.TraceState_TRACE_STATE_COMPLETE, 0, 1)
}

func TestATraceThatIsOneCycleMissesItsRoot(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.push(1, from("a", span(1, 1, 3, "x", internal, 2, 3), span(1, 2, 1, "y", internal, 1, 9), span(1, 3, 2, "z", internal, 1, 9)))
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Equal(t, uint32(1), got.GetSummary().GetMissingSpanCount())
	require.Equal(t, 0.75, got.GetSummary().GetCompleteness())
	require.Len(t, got.GetCycles(), 1)
	want := []string{"0000000000000002", "0000000000000003", "0000000000000001"}
	require.Equal(t, want, got.GetCycles()[0].GetSpanIds())
	require.Equal(t, assemblyv1.SpanPlace_SPAN_PLACE_CYCLE_CUT, noteOf(t, got, "2").GetPlace())
	require.Len(t, got.GetAnomalies(), 1)
	require.Equal(t, want, got.GetAnomalies()[0].GetSpanIds())
	require.Equal(t, "a y comes back to itself over 3 spans", got.GetAnomalies()[0].GetDetail())
}

func TestATraceThatIsReadWhileItMovesOnShowsEachSpanOnce(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.voter.down = true
	b.push(1, shop(1)...)
	b.clock.advance(3 * time.Second)
	require.ErrorIs(t, b.settle(context.Background()), errDown)
	b.push(2, shop(1)...) // comes again, and opens the trace again
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Len(t, got.GetSpanNotes(), 4)
	for name, n := range spansOf(got) {
		require.Equal(t, 1, n, name)
	}
}

// sentSpan is a span with the service that sends it.
type sentSpan struct {
	service string
	span    *tracev1.Span
}

// drawSent draws the spans of a trace, and copies of some: of few ids and times, so that much is shared, missing and equal.
func drawSent(t *rapid.T) []sentSpan {
	var all []sentSpan
	for range rapid.IntRange(1, 20).Draw(t, "n") {
		s := span(1, rapid.Uint64Range(1, 9).Draw(t, "id"), rapid.Uint64Range(0, 11).Draw(t, "parent"), "op",
			tracev1.Span_SpanKind(rapid.IntRange(0, 5).Draw(t, "kind")), rapid.IntRange(0, 3).Draw(t, "start"), rapid.IntRange(0, 5).Draw(t, "end"))
		s.Name = fmt.Sprintf("op %d", rapid.IntRange(0, 1).Draw(t, "name"))
		if rapid.IntRange(0, 4).Draw(t, "no start") == 0 {
			s.StartTimeUnixNano = 0
		}
		if rapid.IntRange(0, 4).Draw(t, "no end") == 0 {
			s.EndTimeUnixNano = 0
		}
		one := sentSpan{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "service"), s}
		all = append(all, slices.Repeat([]sentSpan{one}, rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "copies"))...)
	}
	return all
}

// assemble pushes spans in batches as they come, and gives the trace as it is open, which must be as it is settled.
func assemble(t *rapid.T, all []sentSpan) *assemblyv1.GetTraceResponse {
	b := newBench(t)
	defer b.close()
	distinct := map[string]bool{}
	for position := uint64(1); len(all) > 0; position++ {
		n := rapid.IntRange(1, len(all)).Draw(t, "batch")
		var batch []*tracev1.ResourceSpans
		for _, s := range all[:n] {
			batch = append(batch, from(s.service, s.span))
			distinct[nameOf(s.service, s.span)] = true
		}
		b.push(position, batch...)
		all = all[n:]
	}
	open, err := b.trace(1)
	require.NoError(t, err)
	b.tick(35)
	settled, err := b.trace(1)
	require.NoError(t, err)
	require.Equal(t, plainly(open), plainly(settled))
	require.Len(t, spansOf(settled), len(distinct))
	require.Len(t, settled.GetSpanNotes(), len(distinct))
	require.Equal(t, uint64(len(distinct)), b.balanced().GetKept())
	return settled
}

// plainly gives what is told of a trace in texts that do not hang on the order of the answer's spans, nor on when they were
// received and whether they are settled.
func plainly(got *assemblyv1.GetTraceResponse) []string {
	got = proto.CloneOf(got)
	var spans []*tracev1.Span
	for _, r := range got.GetResourceSpans() {
		for _, scope := range r.GetScopeSpans() {
			spans = append(spans, scope.GetSpans()...)
		}
	}
	names := make([]string, len(spans))
	for i, s := range spans {
		names[i] = nameOf(got.GetSpanNotes()[i].GetService(), s)
	}
	told := make(map[string]string)
	for i, n := range got.GetSpanNotes() {
		if n.Parent != nil {
			told[names[i]] = "under " + names[n.GetParent()]
		}
		n.Parent, n.ReceiveTime = nil, nil
		if spans[i].GetStartTimeUnixNano() == 0 && spans[i].GetEndTimeUnixNano() == 0 {
			n.EventTime = nil
		}
		told[names[i]] += fmt.Sprint(" ", n, spans[i])
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(told)) {
		lines = append(lines, name+told[name])
	}
	s := got.GetSummary()
	s.Phase, s.State, s.IncompleteReason, s.Policy, s.AdjustedCount = 0, 0, "", "", 0
	if s.GetStartTime().AsTime().After(t0().Add(time.Second)) {
		s.StartTime = new(timestamppb.Timestamp) // when it was received
	}
	return append(lines, fmt.Sprint(s), fmt.Sprint(got.GetFindings()), fmt.Sprint(got.GetCycles()), fmt.Sprint(got.GetMissingParentIds()),
		fmt.Sprint(got.GetAnomalies()))
}

func TestATraceIsTheSameForEveryOrderInWhichItsSpansCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := drawSent(t)
		want := plainly(assemble(t, sent))
		require.Equal(t, want, plainly(assemble(t, rapid.Permutation(sent).Draw(t, "order"))))
	})
}
