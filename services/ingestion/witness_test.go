package ingestion

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

const sdkStream = "0123456789abcdef"

func text(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

func number(key string, value int64) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: value}}}
}

// numberedSpans are a batch as the SDK's processor numbers it.
func numberedSpans(first int64, spans ...*tracev1.Span) []*tracev1.Span {
	spans[0].Attributes = append(spans[0].Attributes,
		text("triflow.sequence.stream", sdkStream), number("triflow.sequence.first", first), number("triflow.sequence.count", int64(len(spans))))
	spans[len(spans)-1].Attributes = append(spans[len(spans)-1].Attributes, text("card", "gold"))
	return spans
}

// site is a collector, and where its RPC is.
type site struct {
	*running
	rpc     net.Listener
	public  string // key
	reader  *metric.ManualReader
	witness ingestionv1.WitnessServiceClient
	serve   func() // its RPC; it is called by sites
}

// sites starts collectors that know one another.
func sites(t *testing.T, names ...string) map[string]*site {
	all := map[string]*site{}
	file := "collectors:\n"
	dir := map[string]string{}
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		dir[name] = t.TempDir()
		public, err := WitnessKey(filepath.Join(dir[name], "witness.key"))
		require.NoError(t, err)
		all[name] = &site{rpc: l, public: public}
		file += fmt.Sprintf("  - {name: %s, address: %q, public_key: %q}\n", name, l.Addr(), public)
	}
	path := filepath.Join(t.TempDir(), "peers.yaml")
	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	for _, name := range names {
		all[name].start(t, name, path, dir[name])
	}
	for _, name := range names {
		all[name].serve()
	}
	return all
}

func (s *site) start(t *testing.T, name, peers, dir string) {
	cfg := small()
	cfg.Name, cfg.WitnessPeers = name, peers
	to := newSink()
	close(to.open)
	s.reader = metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(s.reader))
	s.running = startWith(t, cfg, dir, to, meters.Meter("ingestion"))
	g := grpc.NewServer()
	s.Register(g)
	conn, err := grpc.NewClient("passthrough:///"+s.rpc.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	s.witness = ingestionv1.NewWitnessServiceClient(conn)
	ended := make(chan struct{})
	served := false
	s.serve = func() {
		served = true
		go func() { defer close(ended); _ = g.Serve(s.rpc) }()
	}
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		g.Stop()
		if served {
			<-ended
		}
	})
}

// lateral gives the receipts that went from a collector to another, as the graph has it.
func (s *site) lateral(t *testing.T, from, to string) uint64 {
	flow, err := (&server{s: s.Service}).GetDataFlow(t.Context(), nil)
	require.NoError(t, err)
	for _, e := range flow.GetEdges() {
		if e.GetFrom() == from && e.GetTo() == to {
			require.Equal(t, ingestionv1.FlowDirection_FLOW_DIRECTION_LATERAL, e.GetDirection())
			return e.GetItems()
		}
	}
	require.Fail(t, "no edge", "%s to %s", from, to)
	return 0
}

func (s *site) faults(t *testing.T, class ingestionv1.FaultClass) []*ingestionv1.Fault {
	list, err := (&server{s: s.Service}).ListFaults(t.Context(), &ingestionv1.ListFaultsRequest{Class: class})
	require.NoError(t, err)
	return list.GetFaults()
}

func (s *site) consistency(t *testing.T) float64 {
	list, err := (&server{s: s.Service}).ListSenders(t.Context(), &ingestionv1.ListSendersRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetSenders(), 1)
	return list.GetSenders()[0].GetQuality().GetConsistency()
}

// measured sums a counter over its attributes.
func (s *site) measured(t *testing.T, name string) (sum int64) {
	var all metricdata.ResourceMetrics
	require.NoError(t, s.reader.Collect(t.Context(), &all))
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
					sum += p.Value
				}
			}
		}
	}
	return sum
}

const (
	byzantine = ingestionv1.FaultClass_FAULT_CLASS_BYZANTINE
	crash     = ingestionv1.FaultClass_FAULT_CLASS_CRASH
	response  = ingestionv1.FaultClass_FAULT_CLASS_RESPONSE
)

// exchanged waits until both have compared as many receipts of each other.
func exchanged(t *testing.T, all map[string]*site, receipts uint64) {
	for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
		from, to := all[way[0]], "collector/"+way[1]
		require.Eventually(t, func() bool { return from.lateral(t, "collector", to) >= receipts }, 20*time.Second, 5*time.Millisecond)
	}
}

func TestAClientThatTriesAnotherCollectorContradictsNobody(t *testing.T) {
	all := sites(t, "a", "b")
	for n := range byte(3) {
		b := request(t, numberedSpans(int64(n)*2+1, span(n+1), span(n+101))...)
		_, err := all["a"].call(t, b)
		require.NoError(t, err)
		resp, body := all["b"].post(t, "POST", "/v1/traces", typeProtobuf, "gzip", packed(t, b))
		require.Equal(t, 200, resp.StatusCode, body)
	}
	exchanged(t, all, 3)
	for name, s := range all {
		require.Empty(t, s.faults(t, byzantine), name)
		require.EqualValues(t, 1, s.consistency(t), name)
		require.Zero(t, s.measured(t, "triflow.ingestion.witness.contradictions"))
		require.EqualValues(t, 3, s.measured(t, "triflow.ingestion.witness.signed"))
	}
	require.EqualValues(t, 3, all["a"].lateral(t, "collector/b", "collector"))
}

// tamperer passes traces on to a collector, with one attribute changed.
type tamperer struct {
	collectorv1.UnimplementedTraceServiceServer
	to collectorv1.TraceServiceClient
}

func (p *tamperer) Export(ctx context.Context, r *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	for _, kv := range r.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[1].GetAttributes() {
		if kv.GetKey() == "card" {
			kv.GetValue().Value = &commonv1.AnyValue_StringValue{StringValue: "none"}
		}
	}
	return p.to.Export(ctx, r)
}

// tampered gives the client of a proxy that changes what it passes on to s.
func (s *site) tampered(t *testing.T) collectorv1.TraceServiceClient {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(g, &tamperer{to: collectorv1.NewTraceServiceClient(s.conn)})
	ended := make(chan struct{})
	go func() { defer close(ended); _ = g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		g.Stop()
		<-ended
	})
	return collectorv1.NewTraceServiceClient(conn)
}

func TestAProxyThatChangesAnAttributeIsFoundByBothCollectors(t *testing.T) {
	all := sites(t, "a", "b")
	b := request(t, numberedSpans(1, span(1), span(2))...)
	_, err := all["a"].call(t, b)
	require.NoError(t, err)
	_, err = all["b"].tampered(t).Export(t.Context(), &collectorv1.ExportTraceServiceRequest{
		ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: numberedSpans(1, span(1), span(2))}}}},
	})
	require.NoError(t, err)
	arrived := <-all["b"].traces.got
	require.NotEqual(t, b, arrived.Payload, "the proxy did its work")
	for name, s := range all {
		require.Eventually(t, func() bool { return len(s.faults(t, byzantine)) > 0 }, 20*time.Second, 5*time.Millisecond, name)
	}
	exchanged(t, all, 1)
	ring, err := witness.NewKeyring(map[string]string{"a": all["a"].public, "b": all["b"].public})
	require.NoError(t, err)
	for name, s := range all {
		found := s.faults(t, byzantine)
		require.Len(t, found, 1, name)
		require.Equal(t, "contradiction", found[0].GetKind())
		require.Equal(t, "a, b", found[0].GetSubject(), "two alone cannot tell who is right")
		require.EqualValues(t, 1, found[0].GetCount(), "it is told once")
		for _, part := range []string{
			"batch 1 of default/unknown_service/" + sdkStream, "nobody can tell",
			fmt.Sprintf("sha256 %x, signed", sha256.Sum256(b)), fmt.Sprintf("sha256 %x, signed", sha256.Sum256(arrived.Payload)),
		} {
			require.Contains(t, found[0].GetText(), part)
		}
		for _, r := range evidence(t, found[0].GetText()) {
			require.NoError(t, ring.Verify(r), "who reads the fault can check it")
		}
		require.Zero(t, s.consistency(t), name)
		require.EqualValues(t, 1, s.measured(t, "triflow.ingestion.witness.contradictions"), name)
	}
}

// evidence reads the two receipts in the text of a fault.
func evidence(t *testing.T, text string) (out []witness.Receipt) {
	found := regexp.MustCompile(`([ab]) at (\S+): sha256 (\w+), signed ([^;]+)`).FindAllStringSubmatch(text, -1)
	require.Len(t, found, 2)
	for _, f := range found {
		at, err := time.Parse(time.RFC3339Nano, f[2])
		require.NoError(t, err)
		r := witness.Receipt{Collector: f[1], Time: at.UnixNano(), Batch: witness.Batch{
			Stream: "default/unknown_service/" + sdkStream, Sequence: 1, Signal: handoffv1.Signal_SIGNAL_TRACES,
		}}
		_, err = hex.Decode(r.Digest[:], []byte(f[3]))
		require.NoError(t, err)
		_, err = base64.StdEncoding.Decode(r.Signature[:], []byte(f[4]))
		require.NoError(t, err)
		out = append(out, r)
	}
	return out
}

func TestThreeCollectorsNameTheOneWhoseWayIsTamperedWith(t *testing.T) {
	all := sites(t, "a", "b", "c")
	b := request(t, numberedSpans(1, span(1), span(2))...)
	for _, name := range []string{"a", "c"} {
		_, err := all[name].call(t, b)
		require.NoError(t, err)
	}
	_, err := all["b"].tampered(t).Export(t.Context(), &collectorv1.ExportTraceServiceRequest{
		ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: numberedSpans(1, span(1), span(2))}}}},
	})
	require.NoError(t, err)
	for name, s := range all {
		require.Eventually(t, func() bool {
			for _, f := range s.faults(t, byzantine) {
				if f.GetSubject() == "b" {
					require.Contains(t, f.GetText(), "2 of 3 agree against b")
					return true
				}
			}
			return false
		}, 20*time.Second, 5*time.Millisecond, name)
		require.Zero(t, s.consistency(t), name)
	}
}

func TestABatchThatComesAgainWithOtherContentsIsAFaultOfItsClient(t *testing.T) {
	all := sites(t, "a", "b")
	_, err := all["a"].call(t, request(t, numberedSpans(1, span(1), span(2))...))
	require.NoError(t, err)
	_, err = all["a"].call(t, request(t, numberedSpans(1, span(1), span(3))...))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(all["a"].faults(t, response)) > 0 }, 20*time.Second, 5*time.Millisecond)
	f := all["a"].faults(t, response)[0]
	require.Equal(t, "digest", f.GetKind())
	require.Equal(t, "default/unknown_service", f.GetSubject())
	require.Contains(t, f.GetText(), "batch was sent again with other contents")
}

func TestAPeerThatIsDownCostsNothingButAFaultAndGetsTheReceiptsLater(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	keyA, keyB, dirB := t.TempDir(), filepath.Join(t.TempDir(), "b.key"), t.TempDir()
	publicA, err := WitnessKey(filepath.Join(keyA, "witness.key"))
	require.NoError(t, err)
	publicB, err := WitnessKey(keyB)
	require.NoError(t, err)
	peers := filepath.Join(t.TempDir(), "peers.yaml")
	here, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(peers, fmt.Appendf(nil, "collectors:\n- {name: a, address: %q, public_key: %q}\n- {name: b, address: %q, public_key: %q}\n",
		here.Addr(), publicA, address, publicB), 0o600))
	a := &site{rpc: here}
	a.start(t, "a", peers, keyA)
	a.serve()
	_, err = a.call(t, request(t, numberedSpans(1, span(1))...))
	require.NoError(t, err)
	require.Equal(t, 1, (<-a.traces.got).Items)
	require.Eventually(t, func() bool { return len(a.faults(t, crash)) > 0 }, 20*time.Second, 5*time.Millisecond)
	f := a.faults(t, crash)[0]
	require.Equal(t, "unreachable", f.GetKind())
	require.Equal(t, "b", f.GetSubject())
	a.served(t)
	require.Empty(t, a.faults(t, byzantine))

	there, err := net.Listen("tcp", address)
	require.NoError(t, err)
	require.NoError(t, os.Rename(keyB, filepath.Join(dirB, "witness.key")))
	b := &site{rpc: there}
	b.start(t, "b", peers, dirB)
	b.serve()
	require.Eventually(t, func() bool { return a.lateral(t, "collector", "collector/b") == 1 }, 20*time.Second, 5*time.Millisecond)
	require.EqualValues(t, 1, b.lateral(t, "collector/a", "collector"))
}
