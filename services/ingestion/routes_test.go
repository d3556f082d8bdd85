package ingestion

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// backend is an OTLP backend that gives on the spans that it gets.
type backend struct {
	collectorv1.UnimplementedTraceServiceServer
	got chan *tracev1.Span
}

func (b *backend) Export(_ context.Context, r *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				b.got <- s
			}
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

// serve runs the backend on a port until stop; the same address can be taken again.
func (b *backend) serve(t *testing.T, address string) (at string, stop func()) {
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	g := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(g, b)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = g.Serve(l) }()
	return l.Addr().String(), func() { g.Stop(); <-ended }
}

const routesText = `
destinations:
  - name: mirror
    endpoints: [{url: "grpc://%s"}]
pipelines:
  - name: copy
    signal: traces
    stages:
      - filter: {drop: 'item.name == "GET /healthz"'}
      - route: {when: 'tenant == "acme"', to: [service, mirror]}
`

func routed(t *testing.T, text string) Config {
	cfg := small()
	cfg.Routes = filepath.Join(t.TempDir(), "routes.yaml")
	require.NoError(t, os.WriteFile(cfg.Routes, []byte(text), 0o600))
	return cfg
}

func called(name string, n byte) *tracev1.Span {
	s := span(n)
	s.Name = name
	return s
}

func TestPipelinesDropAndLeadToOtherBackendsAndWhatTheyMissedComesAfterARestart(t *testing.T) {
	mirror := &backend{got: make(chan *tracev1.Span, 100)}
	at, stop := mirror.serve(t, "127.0.0.1:0")
	defer func() { stop() }()
	cfg, dir := routed(t, fmt.Sprintf(routesText, at)), t.TempDir()
	to := newSink()
	close(to.open)
	r := start(t, cfg, dir, to)
	send := func(r *running, tenant string, spans ...*tracev1.Span) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", tenant)
		var out []byte
		require.NoError(t, r.conn.Invoke(ctx, traceExport, request(t, spans...), &out, grpc.ForceCodecV2(raw{})))
	}
	send(r, "acme", called("GET /healthz", 1), called("GET /cart", 2))
	send(r, "globex", called("GET /cart", 3))
	send(r, "acme", called("GET /healthz", 4))
	send(r, "acme", called("GET /pay", 5))
	require.ElementsMatch(t, []string{"GET /cart", "GET /pay"}, []string{(<-mirror.got).GetName(), (<-mirror.got).GetName()},
		"globex's is not led there")
	for range 3 {
		require.Equal(t, 1, (<-to.got).Items)
	}
	require.Eventually(t, func() bool { return ledger(t, r.Service).GetDone() == 5 }, 10*time.Second, time.Millisecond)

	require.Eventually(t, func() bool { return r.streams[0].links[0].mark.Stats().Weight == 0 }, 10*time.Second, time.Millisecond)
	stop() // the backend is down, and our own service is served as before
	send(r, "acme", called("GET /late", 6))
	require.Equal(t, 1, (<-to.got).Items)
	list, err := (&server{s: r.Service}).ListDestinations(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, list.GetDestinations(), 4)
	require.Equal(t, "mirror", list.GetDestinations()[3].GetName())
	require.Equal(t, "grpc://"+at, list.GetDestinations()[3].GetEndpoints()[0].GetAddress())
	r.stop()

	_, stop = mirror.serve(t, at)
	r = start(t, cfg, dir, to)
	require.Equal(t, "GET /late", (<-mirror.got).GetName())
	flow, err := (&server{s: r.Service}).GetDataFlow(t.Context(), nil)
	require.NoError(t, err)
	require.NotEmpty(t, flow.GetEdges())
	r.stop()

	cfg.Routes = "" // who is configured no more does not hold up the log
	r = start(t, cfg, dir, to)
	require.Len(t, r.streams[0].log.Marks(), 1)
}

func TestADestinationThatIsTooFarBehindIsPassedOverAndTold(t *testing.T) {
	text := strings.Replace(fmt.Sprintf(routesText, "127.0.0.1:1"), "    endpoints", "    max_behind_bytes: 1000\n    endpoints", 1)
	to := newSink()
	close(to.open)
	r := start(t, routed(t, text), t.TempDir(), to)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", "acme")
	for i := range 200 {
		var out []byte
		require.NoError(t, r.conn.Invoke(ctx, traceExport, request(t, called("GET /"+strings.Repeat("x", 1000), byte(i+1))), &out, grpc.ForceCodecV2(raw{})))
		<-to.got
	}
	var last *ingestionv1.Destination
	require.Eventually(t, func() bool {
		list, err := (&server{s: r.Service}).ListDestinations(t.Context(), nil)
		require.NoError(t, err)
		last = list.GetDestinations()[3]
		return last.GetDropped() > 100
	}, 20*time.Second, 10*time.Millisecond)
	faults, err := (&server{s: r.Service}).ListFaults(t.Context(), &ingestionv1.ListFaultsRequest{Class: ingestionv1.FaultClass_FAULT_CLASS_OMISSION})
	require.NoError(t, err)
	require.Equal(t, "mirror", faults.GetFaults()[0].GetSubject())
}

func TestAFileOfRoutesWithFaultsIsRefusedWithEachOfThem(t *testing.T) {
	for text, wants := range map[string][]string{
		"destinations: [{name: service, endpoints: [{url: x}], max_behind_bytes: -1}]\npipelines: [{name: a, signal: traces, stages: [{filter: {drop: 'item.nam == 1'}}]}]": {
			"destinations[0].name", "destinations[0].max_behind_bytes: -1", "endpoints[0].url", "pipelines[0].stages[0].filter.drop",
		},
		"colour: 3": {"colour"},
		"destinations: [{name: a, compression: lzma, tenant_header: 'a b', join: {items: -1, linger: -1s}, endpoints: [{url: 'https://a', tls: {insecure_skip_verify: true}}, {url: 'https://b', secrets: {Authorization: {prefix: a}}}]}]": {
			`compression: "lzma"`, `tenant_header: "a b"`, "join.items: -1", "join.linger: -1s",
			"endpoints[0].tls.insecure_skip_verify: true, want", "endpoints[1].secrets.Authorization.env and file",
		},
		"destinations: [{name: a, endpoints: [{url: 'grpc://a:1'}], split: {items: -1, bytes: 10}}]": {
			"destinations[0].split.items: -1, want 0 or more", "destinations[0].split.bytes: 10, want 0 or at least 1024",
		},
		"pipelines: [{name: a, signal: traces, stages: [{route: {to: [nowhere]}}]}]": {"nowhere"},
	} {
		_, err := New(routed(t, text), Deps{Rand: rand.Float64, Now: time.Now})
		for _, want := range wants {
			require.ErrorContains(t, err, want)
		}
	}
}
