package shop

import (
	"encoding/hex"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests of latency compare with what a fault injects, never with a clock: a slow machine only adds to it.

func TestASlowLeafIsSlowItselfAndOthersOnlyWait(t *testing.T) {
	r := visit(t, SlowLeaf, 15)

	require.Greater(t, median(r.where(servedBy("stock-db"))), slowBy/2)
	require.Greater(t, median(r.where(servedBy("stock"))), slowBy/2, "its caller waits for it")
	require.Less(t, median(r.where(servedBy("search"))), slowBy/2, "who does not call it, does not")
	require.Empty(t, r.where(span.failed))
}

func TestAFailingServiceFailsHalfItsRequestsAndItsCallersWithIt(t *testing.T) {
	r := visit(t, FailingService, 40)

	own := r.where(servedBy("payment"))
	failed := slices.DeleteFunc(slices.Clone(own), func(s span) bool { return !s.failed() })
	require.InDelta(t, failingShare, share(failed, own), 0.35, "over four standard deviations")

	logged := map[string]bool{}
	for _, l := range r.logs {
		if l.SeverityText == "ERROR" {
			logged[hex.EncodeToString(l.SpanId)] = true
		}
	}
	traceFails := map[string]bool{}
	for _, s := range failed {
		require.NotEmpty(t, s.Events)
		require.Equal(t, "exception", s.Events[0].Name)
		require.True(t, logged[s.id()], "an error log with the span's id")
		traceFails[s.trace()] = true
	}
	for _, s := range r.where(func(s span) bool { return s.isServer() && (s.service == "checkout" || s.service == storefront) }) {
		require.Equal(t, traceFails[s.trace()], s.failed(), "%s fails when payment does", s.service)
	}
	require.Empty(t, r.where(func(s span) bool { return s.failed() && (s.service == "stock" || s.service == "pricing") }))
}

func TestASaturatedServiceQueuesAndIsBusy(t *testing.T) {
	r := visit(t, Saturation, 15)

	require.Greater(t, median(r.where(servedBy("pricing"))), hogHolds)
	require.Less(t, median(r.where(servedBy("search"))), hogHolds)
	// The reading is an average that includes the start and the end.
	require.Greater(t, utilization(r, "pricing"), 0.6)
	require.Less(t, utilization(r, "search"), 0.6)
}

func TestLostContextStartsNewTracesAtTheCallees(t *testing.T) {
	r := visit(t, LostContext, 20)

	roots := map[string]bool{}
	for _, s := range r.where(func(s span) bool { return len(s.ParentSpanId) == 0 }) {
		roots[s.service] = true
	}
	require.Equal(t, map[string]bool{storefront: true, "cart": true, "pricing": true, "stock": true, "payment": true, "shipping": true}, roots,
		"checkout's callees are roots, nobody else's are")
	for _, s := range r.where(placesOrder) {
		require.NotEmpty(t, s.ParentSpanId, "what comes in to checkout keeps its context")
	}
}

func TestARetryStormMultipliesTheCallsOfEachRequest(t *testing.T) {
	r := visit(t, RetryStorm, 20)

	perRequest := func(service string) float64 {
		asked := r.where(servedBy(service))
		sent := r.where(func(s span) bool { return s.service == service && s.isClient() })
		return float64(len(sent)) / float64(len(asked))
	}
	require.Greater(t, perRequest("cart"), 3.0)
	require.InDelta(t, 1, perRequest("payment"), 0.01)
	require.Empty(t, r.where(func(s span) bool { return s.failed() && s.isServer() }), "the last, patient try succeeds")
}

func TestAFaultSwitchedOverHTTPHitsTheTargetItNamesAndEndsWhenSwitchedOff(t *testing.T) {
	r := listen(t, "127.0.0.1:0")
	s, stop := start(t, quickly(r.address, ""))
	fails := func(s span) bool { return s.service == "shipping" && s.failed() }

	require.Equal(t, http.StatusOK, ask(t, http.MethodPut, s.ControlURL()+"/faults/failing-service?target=shipping"))
	r.wait(t, func(r *receiver) bool { return len(r.where(fails)) > 0 })
	require.Equal(t, http.StatusOK, ask(t, http.MethodDelete, s.ControlURL()+"/faults/failing-service"))
	off := uint64(time.Now().UnixNano())
	r.wait(t, func(r *receiver) bool {
		return len(r.where(func(s span) bool { return s.service == "shipping" && s.StartTimeUnixNano > off })) > 10
	})
	stop()

	for _, s := range r.where(span.failed) {
		require.Equal(t, "shipping", s.service, "nobody waits for a consumer, so nobody fails with it")
		require.LessOrEqual(t, s.StartTimeUnixNano, off)
	}
}

func TestEveryFaultHasADefaultTargetAmongItsTargets(t *testing.T) {
	for _, f := range Faults() {
		require.Contains(t, f.Targets, f.Target, f.Kind)
		target, err := resolve(f.Kind, "")
		require.NoError(t, err)
		require.Equal(t, f.Target, target)
	}
}

func TestOnlyServicesThatCallOthersCanLoseContextOrStorm(t *testing.T) {
	for kind, want := range map[Kind][]string{
		LostContext: {"storefront", "catalog", "cart", "checkout", "stock", "shipping"},
		RetryStorm:  {"storefront", "catalog", "cart", "checkout", "stock"},
	} {
		i := slices.IndexFunc(Faults(), func(f Fault) bool { return f.Kind == kind })
		require.Equal(t, want, Faults()[i].Targets, kind)
	}
}

func TestASwitchedFaultHitsItsTargetUntilItIsCleared(t *testing.T) {
	b := newSwitchboard()
	_, on, changed := b.get(SlowLeaf)
	require.False(t, on)

	b.set(SlowLeaf, "search", time.Unix(1, 0))
	require.True(t, isClosed(changed))
	require.True(t, b.hits(SlowLeaf, "search"))
	require.False(t, b.hits(SlowLeaf, "stock-db"))
	require.False(t, b.hits(Saturation, "search"))

	b.set(SlowLeaf, "search", time.Unix(2, 0))
	o, _, changed := b.get(SlowLeaf)
	require.Equal(t, time.Unix(1, 0), o.since, "switching on twice changes nothing")

	b.clear(SlowLeaf)
	require.True(t, isClosed(changed))
	require.False(t, b.hits(SlowLeaf, "search"))
}

func servedBy(service string) func(span) bool {
	return func(s span) bool { return s.service == service && s.isServer() }
}

func median(spans []span) time.Duration {
	took := make([]time.Duration, len(spans))
	for i, s := range spans {
		took[i] = s.took()
	}
	slices.Sort(took)
	return took[len(took)/2]
}

func share(part, whole []span) float64 { return float64(len(part)) / float64(len(whole)) }

func utilization(r *receiver, service string) float64 {
	return r.metrics[service]["process.cpu.utilization"].GetGauge().GetDataPoints()[0].GetAsDouble()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
