package assembly

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/handoff"
)

func (b *bench) trace(n uint64) (*assemblyv1.GetTraceResponse, error) {
	return b.server.GetTrace(context.Background(), &assemblyv1.GetTraceRequest{TraceId: traceOf(n).String()})
}

// spansOf counts the spans of each id, kind and service in an answer.
func spansOf(resp *assemblyv1.GetTraceResponse) map[string]int {
	n := make(map[string]int)
	for _, r := range resp.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			for _, sp := range s.GetSpans() {
				n[nameOf(r.GetResource().GetAttributes()[0].GetValue().GetStringValue(), sp)]++
			}
		}
	}
	return n
}

// nameOf tells a span from all others of its trace.
func nameOf(service string, s *tracev1.Span) string {
	return fmt.Sprintf("%s %x %v", service, s.GetSpanId(), s.GetKind())
}

// balanced checks the ledger and gives it.
func (b *bench) balanced() *assemblyv1.GetLedgerResponse {
	l := b.ledger()
	dropped := uint64(0)
	for _, d := range l.GetDropped() {
		dropped += d.GetSpans()
	}
	require.Equal(b.t, l.GetReceived(), l.GetKept()+dropped+l.GetDuplicates()+l.GetPending(), l)
	return l
}

func TestATraceIsKeptOnceItsRootIsThereAndItIsQuiet(t *testing.T) {
	b := newBench(t)
	defer b.close()
	done := b.push(1, shop(7)...)
	got, err := b.trace(7)
	require.NoError(t, err)
	require.Equal(t, assemblyv1.TraceState_TRACE_STATE_OPEN, got.GetSummary().GetState())
	require.Equal(t, uint64(4), b.balanced().GetPending())
	require.False(t, *done)

	b.wait(3 * time.Second)
	require.True(t, *done)
	got, err = b.trace(7)
	require.NoError(t, err)
	require.Len(t, spansOf(got), 4)
	s := got.GetSummary()
	require.Equal(t, assemblyv1.TraceState_TRACE_STATE_COMPLETE, s.GetState())
	require.Equal(t, "front", s.GetRootService())
	require.Equal(t, "GET /", s.GetRootOperation())
	require.Equal(t, 100*time.Millisecond, s.GetDuration().AsDuration())
	require.Equal(t, []string{"cart", "front"}, s.GetServices())
	require.Equal(t, "all", s.GetPolicy())
	l := b.balanced()
	require.Equal(t, uint64(4), l.GetKept())
	require.Equal(t, uint64(1), l.GetTracesKept())
	require.Zero(t, l.GetTracesOpen())
	used, _ := b.admission.read()
	require.Zero(t, used)
}

func TestWithoutARootATraceIsDecidedAtItsDeadline(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.push(1, from("cart", span(1, 2, 1, "cart.get", serving, 0, 10)))
	b.wait(29 * time.Second)
	require.Zero(t, b.balanced().GetKept())
	b.wait(2 * time.Second)
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Equal(t, assemblyv1.TraceState_TRACE_STATE_INCOMPLETE, got.GetSummary().GetState())
	require.Equal(t, "no root span came; the parent of 1 span never came", got.GetSummary().GetIncompleteReason())
	require.Equal(t, assemblyv1.FindingKind_FINDING_KIND_ORPHAN, got.GetFindings()[0].GetKind())
}

func TestADroppedTraceIsCountedAndSaidToBeDropped(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.voter.drop = func(*samplingv1.TraceFacts) bool { return true }
	b.push(1, shop(7)...)
	b.wait(3 * time.Second)
	_, err := b.trace(7)
	require.Equal(t, codes.NotFound, status.Code(err))
	require.ErrorContains(t, err, "was dropped: no policy matched")
	_, err = b.trace(8)
	require.ErrorContains(t, err, "was never seen")
	require.Equal(t, uint64(4), b.balanced().GetDropped()[0].GetSpans())

	b.push(2, from("cart", span(7, 9, 3, "late", internal, 20, 30)))
	b.wait(31 * time.Second)
	l := b.balanced()
	require.Equal(t, []string{"late_sampled_out", "sampled_out"}, []string{l.GetDropped()[0].GetReason(), l.GetDropped()[1].GetReason()})
	require.Equal(t, uint64(1), l.GetTracesDropped())
}

func TestLateSpansJoinTheirTraceAndCopiesAreCounted(t *testing.T) {
	b := newBench(t)
	defer b.close()
	parts := shop(7)
	b.push(1, parts[0])
	b.wait(3 * time.Second)
	b.push(2, parts...)
	b.wait(3 * time.Second)
	got, err := b.trace(7)
	require.NoError(t, err)
	require.Len(t, spansOf(got), 4)
	require.Equal(t, uint32(4), got.GetSummary().GetSpanCount())
	require.Equal(t, assemblyv1.TraceState_TRACE_STATE_COMPLETE, got.GetSummary().GetState())
	l := b.balanced()
	require.Equal(t, uint64(4), l.GetKept())
	require.Equal(t, uint64(2), l.GetDuplicates())
	require.Equal(t, uint64(1), l.GetTracesKept())
	found, err := b.server.SearchTraces(context.Background(), &assemblyv1.SearchTracesRequest{Service: "cart"})
	require.NoError(t, err)
	require.Len(t, found.GetTraces(), 1)
}

func TestASharedSpanIDIsTwoSpansAndARetryIsNone(t *testing.T) {
	b := newBench(t)
	defer b.close()
	request := []*tracev1.ResourceSpans{
		from("front", span(1, 1, 0, "call", calling, 0, 100)),
		from("back", span(1, 1, 0, "handle", serving, 20, 80), span(1, 2, 1, "query", calling, 30, 60)),
	}
	b.push(1, request...)
	b.push(2, request...)
	b.wait(3 * time.Second)
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Len(t, spansOf(got), 3)
	require.Equal(t, uint64(3), b.balanced().GetDuplicates())
	svc, err := b.server.GetService(context.Background(), &assemblyv1.GetServiceRequest{Service: "back"})
	require.NoError(t, err)
	require.Equal(t, uint64(1), svc.GetService().GetRed().GetRequests())
	require.Equal(t, "front", svc.GetCallers()[0].GetClient())
}

func TestNothingIsLostWhileSamplingIsAway(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.voter.down = true
	b.push(1, shop(7)...)
	b.clock.advance(3 * time.Second)
	require.ErrorIs(t, b.settle(context.Background()), errDown)
	require.Equal(t, uint64(4), b.balanced().GetPending())
	got, err := b.trace(7)
	require.NoError(t, err)
	require.Equal(t, assemblyv1.TraceState_TRACE_STATE_OPEN, got.GetSummary().GetState())
	b.voter.down = false
	b.wait(5 * time.Second)
	require.Equal(t, uint64(4), b.balanced().GetKept())
}

func TestPushWaitsWhileMemoryIsFullAndTracesAreDecidedEarly(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxPendingBytes = 1 << 20 })
	defer b.close()
	big := func(n uint64) handoff.Batch {
		s := with(span(n, 2, 1, "big", internal, 0, 10), text("blob", string(make([]byte, 900_000))))
		return handoff.Batch{
			Sender: "a", Position: n, Items: 1, Signal: handoffv1.Signal_SIGNAL_TRACES, Payload: payload(t, from("x", s)), Done: func() {},
		}
	}
	require.NoError(t, b.Push(context.Background(), big(1)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, b.Push(ctx, big(2)), context.Canceled)
	require.Equal(t, uint64(1), b.balanced().GetReceived())

	taken := make(chan error)
	go func() { taken <- b.Push(context.Background(), big(2)) }()
	for {
		if err := b.settle(context.Background()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-taken:
			require.NoError(t, err)
			require.Positive(t, b.balanced().GetKept(), "the first had to go")
			return
		default:
		}
	}
}

func TestATraceThatIsTooLargeIsDecidedEarly(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxTraceSpans = 3 })
	defer b.close()
	b.push(1, shop(7)...)
	b.wait(time.Second)
	require.Equal(t, uint64(4), b.balanced().GetKept())
}

func TestAnEndlessTraceStopsToGrowAndIsCounted(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxTraceSpans = 2 })
	defer b.close()
	for i := range uint64(10) {
		b.push(i+1, from("front", span(1, 2*i+1, 0, "a", serving, 0, 1), span(1, 2*i+2, 1, "b", internal, 0, 1)))
		b.wait(time.Second)
	}
	l := b.balanced()
	require.Equal(t, uint64(10), l.GetKept())
	require.Equal(t, uint64(10), droppedFor(l, reasonTooLarge))
}

func TestDecisionsAreAskedWithTheFacts(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.voter.keys = []string{"db.system.name", "tenant"}
	parts := shop(7)
	parts[0].Resource.Attributes = append(parts[0].Resource.Attributes, text("tenant", "gold"))
	parts[0].ScopeSpans[0].Spans[0].TraceState = "vendor=x,ot=th:c;rv:0123456789abcd"
	parts[1].ScopeSpans[0].Spans[0].TraceState = "ot=th:8"
	failing(parts[1].ScopeSpans[0].Spans[1], "deadlock")
	b.push(1, parts...)
	b.wait(3 * time.Second)
	f := b.voter.facts[traceOf(7).String()]
	require.Equal(t, "0123456789abcd", f.GetRandomness())
	require.Equal(t, "8", f.GetIncomingThreshold())
	require.Equal(t, 100*time.Millisecond, f.GetRootDuration().AsDuration())
	require.Equal(t, samplingv1.StatusCode_STATUS_CODE_ERROR, f.GetStatus())
	require.Equal(t, uint32(4), f.GetSpanCount())
	require.Equal(t, "front", f.GetRootService())
	require.Equal(t, []string{"cart", "front"}, f.GetServices())
	require.Len(t, f.GetAttributes(), 2)
	require.Equal(t, []string{"postgresql"}, f.GetAttributes()[0].GetValues())
	require.Equal(t, []string{"gold"}, f.GetAttributes()[1].GetValues())
	got, err := b.trace(7)
	require.NoError(t, err)
	require.Equal(t, "cart: deadlock", got.GetSummary().GetError())

	b.voter.epoch, b.voter.keys = 2, nil
	b.push(2, shop(8)...)
	b.wait(3 * time.Second)
	b.push(3, shop(9)...)
	b.wait(3 * time.Second)
	require.Empty(t, b.voter.facts[traceOf(9).String()].GetAttributes())
}

func TestTheGraphIsOfAllSpansAndKnowsDependencies(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.voter.drop = func(*samplingv1.TraceFacts) bool { return true }
	b.push(1, shop(1)...)
	b.push(2, from("cart", span(1, 5, 3, "send", sending, 30, 31)), from("mail", span(1, 6, 5, "take", taking, 40, 45)))
	b.wait(3 * time.Second)
	g, err := b.server.GetGraph(context.Background(), &assemblyv1.GetGraphRequest{Window: durationpb.New(time.Hour)})
	require.NoError(t, err)
	names := make(map[string]assemblyv1.NodeKind)
	for _, s := range g.GetServices() {
		names[s.GetName()] = s.GetKind()
	}
	const service, database = assemblyv1.NodeKind_NODE_KIND_SERVICE, assemblyv1.NodeKind_NODE_KIND_DATABASE
	require.Equal(t, map[string]assemblyv1.NodeKind{"front": service, "cart": service, "mail": service, "postgresql@orders": database}, names)
	require.Len(t, g.GetEdges(), 3)
	for _, e := range g.GetEdges() {
		require.Equal(t, uint64(1), e.GetRed().GetRequests())
		require.Equal(t, e.GetServer() == "mail", e.GetAsynchronous())
	}
	require.InEpsilon(t, 70*time.Millisecond, g.GetEdges()[2].GetRed().GetP50().AsDuration(), 0.05)
}

func TestACallToAnAddressThatAnsweredBeforeGoesToThatService(t *testing.T) {
	b := newBench(t)
	defer b.close()
	call := func(trace uint64) *tracev1.Span {
		return with(span(trace, 2, 1, "call", calling, 10, 80), text("server.address", "10.0.0.7"))
	}
	b.push(1, from("front", span(1, 1, 0, "GET", serving, 0, 100), call(1)), from("cart", span(1, 3, 2, "get", serving, 20, 70)))
	b.wait(3 * time.Second)
	b.push(2, from("front", span(2, 1, 0, "GET", serving, 0, 100), call(2)))
	b.wait(3 * time.Second)
	g, err := b.server.GetGraph(context.Background(), &assemblyv1.GetGraphRequest{})
	require.NoError(t, err)
	require.Len(t, g.GetEdges(), 1)
	require.Equal(t, uint64(2), g.GetEdges()[0].GetRed().GetRequests())
}

func TestBehindAProxyNoServiceIsGuessed(t *testing.T) {
	b := newBench(t)
	defer b.close()
	call := func(trace, n uint64) *tracev1.Span {
		return with(span(trace, n, 1, "call", calling, 10, 80), text("server.address", "proxy"), text("server.port", "80"))
	}
	b.push(1, from("front", span(1, 1, 0, "GET", serving, 0, 100), call(1, 2), call(1, 3)),
		from("cart", span(1, 4, 2, "get", serving, 20, 70)), from("pay", span(1, 5, 3, "get", serving, 20, 70)))
	b.wait(3 * time.Second)
	b.push(2, from("front", span(2, 1, 0, "GET", serving, 0, 100), call(2, 2)))
	b.wait(3 * time.Second)
	g, err := b.server.GetGraph(context.Background(), &assemblyv1.GetGraphRequest{})
	require.NoError(t, err)
	require.Len(t, g.GetEdges(), 3)
	require.Equal(t, "proxy", g.GetEdges()[2].GetServer())
}

func TestTheCriticalPathIsServedWithItsShares(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.push(1, shop(7)...)
	b.wait(3 * time.Second)
	p, err := b.server.GetCriticalPath(context.Background(), &assemblyv1.GetCriticalPathRequest{TraceId: traceOf(7).String()})
	require.NoError(t, err)
	require.Equal(t, assemblyv1.CriticalPathStatus_CRITICAL_PATH_STATUS_COMPLETE, p.GetStatus(), p.GetReason())
	require.Len(t, p.GetSegments(), 7)
	require.Equal(t, "SELECT", p.GetSegments()[3].GetOperation())
	require.Equal(t, 0.3, p.GetShares()[0].GetShare())
	_, err = b.server.GetCriticalPath(context.Background(), &assemblyv1.GetCriticalPathRequest{TraceId: "xyz"})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

func TestImpossibleTimesDoNotReachFiguresOrDurations(t *testing.T) {
	b := newBench(t)
	defer b.close()
	endless, timeless := span(1, 3, 1, "endless", internal, 20, 0), span(1, 4, 1, "timeless", serving, 0, 0)
	endless.EndTimeUnixNano, timeless.StartTimeUnixNano, timeless.EndTimeUnixNano = 0, 0, 0
	reversed := span(1, 2, 1, "reversed", internal, 50, 50)
	reversed.EndTimeUnixNano--
	b.push(1, from("pay", span(1, 1, 0, "pay", serving, 0, 100), reversed, endless, timeless))
	b.wait(3 * time.Second)
	got, err := b.trace(1)
	require.NoError(t, err)
	require.Equal(t, 100*time.Millisecond, got.GetSummary().GetDuration().AsDuration())
	require.Len(t, got.GetFindings(), 3)
	svc, err := b.server.GetService(context.Background(), &assemblyv1.GetServiceRequest{Service: "pay"})
	require.NoError(t, err)
	require.Equal(t, uint64(1), svc.GetService().GetRed().GetRequests())
}

func TestABatchThatCannotBeReadIsCountedAsLost(t *testing.T) {
	b := newBench(t)
	defer b.close()
	done := false
	require.NoError(t, b.Push(context.Background(), handoff.Batch{
		Sender: "a", Position: 1, Items: 3, Signal: handoffv1.Signal_SIGNAL_TRACES, Payload: []byte{0x0a, 0xff}, Done: func() { done = true },
	}))
	b.balanced()
	b.wait(time.Second)
	require.True(t, done)
	require.Equal(t, "malformed", b.balanced().GetDropped()[0].GetReason())
	err := b.Push(context.Background(), handoff.Batch{Signal: handoffv1.Signal_SIGNAL_LOGS})
	require.ErrorIs(t, err, ErrSignal)
}

func TestFiguresOfAWindowAreCheckedAndServed(t *testing.T) {
	b := newBench(t)
	defer b.close()
	_, err := b.server.ListServices(context.Background(), &assemblyv1.ListServicesRequest{Window: durationpb.New(2 * time.Hour)})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	_, err = b.server.GetService(context.Background(), &assemblyv1.GetServiceRequest{Service: "none"})
	require.Equal(t, codes.NotFound, status.Code(err))
	b.push(1, shop(7)...)
	list, err := b.server.ListServices(context.Background(), &assemblyv1.ListServicesRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetServices(), 2)
	require.InEpsilon(t, 1.0/60, list.GetServices()[0].GetRed().GetRate(), 1e-9)
	svc, err := b.server.GetService(context.Background(), &assemblyv1.GetServiceRequest{Service: "front"})
	require.NoError(t, err)
	require.Equal(t, "GET /", svc.GetOperations()[0].GetName())
}

func TestManyMayPushAndReadWhileTracesAreSettled(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxPendingBytes = 1 << 20 })
	defer b.close()
	b.voter.drop = func(f *samplingv1.TraceFacts) bool { return f.GetTraceId()[31]%2 == 0 }
	var work, settling sync.WaitGroup
	end := make(chan struct{})
	settling.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
			}
			b.clock.advance(time.Second)
			assert.NoError(t, b.settle(context.Background()))
			assert.NoError(t, b.observe(context.Background()))
		}
	})
	for sender := range 3 {
		work.Go(func() {
			for i := range uint64(60) {
				assert.NoError(t, b.Push(context.Background(), handoff.Batch{
					Sender: fmt.Sprint(sender), Position: i + 1, Items: 8, Signal: handoffv1.Signal_SIGNAL_TRACES, Done: func() {},
					Payload: payload(t, append(shop(i), shop(i+1)...)...),
				}))
				b.balanced()
				_, _ = b.trace(i)
			}
		})
	}
	work.Wait()
	close(end)
	settling.Wait()
	b.wait(time.Minute)
	require.Equal(t, uint64(3*60*8), b.balanced().GetReceived())
	require.Equal(t, uint64(31*4), b.balanced().GetKept(), "31 of 61 traces, each span once")
	require.Zero(t, b.balanced().GetPending())
}

func TestRunSettlesAndEndsCleanly(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	done := make(chan struct{})
	require.NoError(t, b.Push(ctx, handoff.Batch{
		Sender: "a", Position: 1, Items: 4, Signal: handoffv1.Signal_SIGNAL_TRACES, Payload: payload(t, shop(1)...), Done: func() { close(done) },
	}))
	b.clock.advance(3 * time.Second)
	<-done
	cancel()
	require.NoError(t, <-ended)
	require.Error(t, b.Ready())
	require.ErrorIs(t, b.Push(context.Background(), handoff.Batch{Signal: handoffv1.Signal_SIGNAL_TRACES}), ErrStopped)
	_, err := b.trace(1)
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.False(t, errors.Is(err, ErrNotFound))
}
