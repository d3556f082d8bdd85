package system

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// TestEveryAcknowledgedSpanIsKeptOrCountedOverCrashes kills Triflow twice in the middle of load and starts it again on
// the same data. Half of the traces are dropped by policy.
func TestEveryAcknowledgedSpanIsKeptOrCountedOverCrashes(t *testing.T) {
	data := folder(t, "data")
	acknowledged := map[string]int{} // spans by trace id
	s := startAll(t, data)
	s.keepHalf()
	for round := range 2 {
		load := send(t, s.otlp, uint64(round), acknowledged)
		s.front.await(time.Minute, "kept traces under load", func() bool { return s.ledger().Kept > 2000*uint64(round+1) })
		s.front.kill()
		load()
		s = startAll(t, data)
	}
	require.Greater(t, len(acknowledged), 1000)
	s.front.await(3*time.Minute, "decision about every trace", func() bool {
		l := s.ledger()
		require.Equal(t, l.Received, l.sum(), "the ledger adds up at any time: %+v", l)
		return l.Pending == 0 && l.Received == s.taken()
	})
	kept, dropped := 0, 0
	for trace, spans := range acknowledged {
		if n := s.spans(trace); n > 0 {
			require.Equal(t, spans, n, "trace %s is whole", trace)
			kept++
			continue
		}
		require.Equal(t, "VERDICT_DROP", s.verdict(trace), "trace %s is not kept", trace)
		dropped++
	}
	l := s.ledger()
	t.Logf("%d traces acknowledged: %d kept, %d dropped; ledger %+v", len(acknowledged), kept, dropped, l)
	require.Positive(t, kept)
	require.Positive(t, dropped)
	sent := 0
	for _, spans := range acknowledged {
		sent += spans
	}
	require.GreaterOrEqual(t, s.taken(), uint64(sent), "what was taken but not acknowledged in time may be there too")
	code, metrics := s.text("/metrics")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, metrics, "triflow_assembly_ledger_spans", "the ledger is in the metrics too")
}

func (s *system) keepHalf() {
	s.t.Helper()
	var now struct{ PolicySet struct{ Etag string } }
	require.Equal(s.t, http.StatusOK, s.get("/api/v1/sampling/policies", &now))
	body := `{"etag": "` + now.PolicySet.Etag + `", "policySet": {"policies": [{"name": "half", "probabilistic": {"ratio": 0.5}}]}}`
	require.Equal(s.t, http.StatusOK, ask(s.t, http.MethodPut, s.rest+"/api/v1/sampling/policies", body, nil))
}

func (s *system) verdict(trace string) string {
	var d struct{ Decision struct{ Verdict string } }
	s.get("/api/v1/sampling/decisions/"+trace, &d)
	return d.Decision.Verdict
}

// spans counts those of a kept trace; 0 when it is not kept.
func (s *system) spans(trace string) int {
	var got struct {
		ResourceSpans []struct {
			ScopeSpans []struct{ Spans []struct{ SpanID string } }
		}
	}
	s.get("/api/v1/traces/"+trace, &got)
	n := 0
	for _, r := range got.ResourceSpans {
		for _, scope := range r.ScopeSpans {
			n += len(scope.Spans)
		}
	}
	return n
}

const (
	senders       = 4
	tracesARound  = 20
	spansOfATrace = 5
)

// send exports traces over several connections until the server is gone. The returned function waits for that and
// notes what was acknowledged.
func send(t *testing.T, otlp string, round uint64, acknowledged map[string]int) (finish func()) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for sender := range uint64(senders) {
		conn, err := grpc.NewClient(otlp, grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		wg.Go(func() {
			defer conn.Close()
			client := collectorpb.NewTraceServiceClient(conn)
			for n := uint64(0); ; n++ {
				request := traces(round<<40 | sender<<32 | n)
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				_, err := client.Export(ctx, request)
				cancel()
				if err != nil {
					return
				}
				mu.Lock()
				for _, span := range request.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans() {
					acknowledged[hex.EncodeToString(span.GetTraceId())]++
				}
				mu.Unlock()
			}
		})
	}
	return wg.Wait
}

// traces makes a request of whole traces whose ids come from the number alone.
func traces(number uint64) *collectorpb.ExportTraceServiceRequest {
	scope := &tracepb.ScopeSpans{}
	begin := uint64(time.Now().Add(-time.Second).UnixNano())
	for i := range uint64(tracesARound) {
		trace := make([]byte, 16)
		binary.BigEndian.PutUint64(trace, number+1)
		binary.BigEndian.PutUint64(trace[8:], (number*tracesARound+i+1)*0x9e3779b97f4a7c15) // the half that sampling looks at
		for j := range uint64(spansOfATrace) {
			span := &tracepb.Span{
				TraceId: trace, SpanId: binary.BigEndian.AppendUint64(nil, j+1), Name: "work", Kind: tracepb.Span_SPAN_KIND_SERVER,
				StartTimeUnixNano: begin, EndTimeUnixNano: begin + 1e6,
			}
			if j > 0 {
				span.ParentSpanId = binary.BigEndian.AppendUint64(nil, j)
			}
			scope.Spans = append(scope.Spans, span)
		}
	}
	name := &commonpb.KeyValue{Key: "service.name", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "worker"}}}
	return &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{name}}, ScopeSpans: []*tracepb.ScopeSpans{scope},
	}}}
}
