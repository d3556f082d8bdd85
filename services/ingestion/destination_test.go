package ingestion

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// guarded is a backend that gives on what its requests say of themselves.
type guarded struct {
	backend
	said chan metadata.MD
}

func (g *guarded) Export(ctx context.Context, r *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	if len(r.GetResourceSpans()) > 0 {
		md, _ := metadata.FromIncomingContext(ctx)
		g.said <- md
	}
	return g.backend.Export(ctx, r)
}

func TestADestinationGetsItsSecretAndTheTenantAndSmallRequestsJoined(t *testing.T) {
	g := &guarded{backend: backend{got: make(chan *tracev1.Span, 100)}, said: make(chan metadata.MD, 100)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, g)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(listener) }()
	defer func() { server.Stop(); <-ended }()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("hunter2\n"), 0o600))
	to := newSink()
	close(to.open)
	r := start(t, routed(t, fmt.Sprintf(`
destinations:
  - name: mirror
    tenant_header: X-Tenant
    join: {items: 3, linger: 1h}
    endpoints:
      - url: "grpc://%s"
        secrets: {Authorization: {file: %s, prefix: "Bearer "}}
pipelines:
  - {name: copy, signal: traces, stages: [{route: {to: [service, mirror]}}]}
`, listener.Addr(), token)), t.TempDir(), to)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", "acme")
	for i := range byte(3) {
		var out []byte
		require.NoError(t, r.conn.Invoke(ctx, traceExport, request(t, called("GET /cart", i+1)), &out, grpc.ForceCodecV2(raw{})))
	}
	for range 3 {
		require.Equal(t, "GET /cart", (<-g.got).GetName())
	}
	md := <-g.said
	require.Empty(t, g.said, "they came as one")
	require.Equal(t, []string{"Bearer hunter2"}, md.Get("authorization"))
	require.Equal(t, []string{"acme"}, md.Get("x-tenant"))
}
