package export_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const traces = handoffv1.Signal_SIGNAL_TRACES

// reply is how a backend behaves towards one request; the zero reply accepts it.
type reply struct {
	err      error // gRPC
	status   int   // HTTP
	header   http.Header
	body     []byte // HTTP, instead of an acknowledgement
	rejected int64
	hang     bool
	cut      bool // HTTP
}

// backend is an OTLP server on a port of its own, which can be killed and started again.
type backend struct {
	scheme string
	script func(n int) reply                                  // of the nth request with spans, from 0; nil accepts all
	judge  func(*collectorv1.ExportTraceServiceRequest) reply // to a request that the script accepts; nil accepts all
	tls    *tls.Config                                        // of grpcs and https
	plain  bool                                               // knows no zstd

	mu       sync.Mutex // guards what follows
	address  string
	stop     func()
	requests int
	probes   int
	spans    []string // names of what was accepted
	traces   map[string]bool
	header   http.Header   // of the last request, or its metadata
	protocol string        // of HTTP, of the last one
	more     chan struct{} // closed when something came
}

func newBackend(t *testing.T, scheme string, script func(n int) reply) *backend {
	b := &backend{
		scheme: scheme, script: script, address: "127.0.0.1:0", more: make(chan struct{}), traces: make(map[string]bool),
	}
	b.start(t)
	t.Cleanup(b.kill)
	return b
}

func (b *backend) url() string { return b.scheme + "://" + b.address }

func (b *backend) start(t *testing.T) {
	listener, err := net.Listen("tcp", b.address)
	require.NoError(t, err)
	b.address = listener.Addr().String()
	if strings.HasPrefix(b.scheme, "grpc") {
		var options []grpc.ServerOption
		if b.tls != nil {
			options = append(options, grpc.Creds(credentials.NewTLS(b.tls)))
		}
		if !b.plain {
			options = append(options, grpc.RPCDecompressor(unzstd{})) //nolint:staticcheck // the other way is one for the whole process
		}
		server := grpc.NewServer(options...)
		collectorv1.RegisterTraceServiceServer(server, overGRPC{b: b})
		go func() { _ = server.Serve(listener) }() // it ends with kill
		b.stop = server.Stop
		return
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(b.serveHTTP))
	server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if server.TLS = b.tls; b.tls != nil {
		server.EnableHTTP2 = slices.Contains(b.tls.NextProtos, "h2")
		server.StartTLS()
	} else {
		var known http.Protocols
		known.SetHTTP1(true)
		known.SetUnencryptedHTTP2(true)
		server.Config.Protocols = &known
		server.Start()
	}
	b.stop = func() { server.CloseClientConnections(); server.Close() }
}

func (b *backend) kill() { b.stop() }

// take decides on a request and remembers it.
func (b *backend) take(r *collectorv1.ExportTraceServiceRequest, header http.Header, protocol string) reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() {
		close(b.more)
		b.more = make(chan struct{})
	}()
	if len(r.GetResourceSpans()) == 0 {
		b.probes++
		return reply{}
	}
	b.header, b.protocol = header, protocol
	var out reply
	if b.script != nil {
		out = b.script(b.requests)
	}
	b.requests++
	if b.judge != nil && out.err == nil && out.status == 0 {
		out = b.judge(r)
	}
	if out.err != nil || out.status != 0 || out.body != nil || out.hang || out.cut {
		return out
	}
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				b.spans = append(b.spans, s.GetName())
				b.traces[string(s.GetTraceId())] = true
			}
		}
	}
	return out
}

// wait returns when ok is true; it is called under mu.
func (b *backend) wait(t *testing.T, ok func() bool) {
	t.Helper()
	for {
		b.mu.Lock()
		good, more := ok(), b.more
		b.mu.Unlock()
		if good {
			return
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}

// waitProbes waits for n more probes to have come; what the last but one of them said is then known to the exporter.
func (b *backend) waitProbes(t *testing.T, n int) {
	t.Helper()
	b.mu.Lock()
	until := b.probes + n
	b.mu.Unlock()
	b.wait(t, func() bool { return b.probes >= until })
}

func (b *backend) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.spans...)
}

func partial(rejected int64) *collectorv1.ExportTraceServiceResponse {
	if rejected == 0 {
		return &collectorv1.ExportTraceServiceResponse{}
	}
	return &collectorv1.ExportTraceServiceResponse{
		PartialSuccess: &collectorv1.ExportTracePartialSuccess{RejectedSpans: rejected, ErrorMessage: "too old"},
	}
}

type overGRPC struct {
	collectorv1.UnimplementedTraceServiceServer
	b *backend
}

// Export implements the service of OTLP.
func (o overGRPC) Export(
	ctx context.Context, r *collectorv1.ExportTraceServiceRequest,
) (*collectorv1.ExportTraceServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	header := make(http.Header)
	for name, values := range md {
		header[http.CanonicalHeaderKey(name)] = values
	}
	p := o.b.take(r, header, "")
	if p.hang {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return partial(p.rejected), p.err
}

// unzstd is the grpc.Decompressor of zstd.
type unzstd struct{}

func (unzstd) Type() string { return "zstd" }

func (unzstd) Do(r io.Reader) ([]byte, error) {
	packed, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return unpack("zstd", packed)
}

func unpack(encoding string, body []byte) ([]byte, error) {
	var from io.Reader
	var err error
	switch encoding {
	case "gzip":
		from, err = gzip.NewReader(bytes.NewReader(body))
	case "zstd":
		from, err = zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1))
	default:
		err = errors.New("unknown encoding")
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(from)
}

func (b *backend) serveHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	encoding := r.Header.Get("Content-Encoding")
	if encoding == "zstd" && b.plain {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	if encoding != "" {
		body, err = unpack(encoding, body)
	}
	var request collectorv1.ExportTraceServiceRequest
	if err = errors.Join(err, proto.Unmarshal(body, &request)); err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	p := b.take(&request, r.Header, r.Proto)
	switch {
	case p.hang:
		<-r.Context().Done()
	case p.cut:
		panic(http.ErrAbortHandler)
	case p.status != 0:
		for name := range p.header {
			w.Header().Set(name, p.header.Get(name))
		}
		w.WriteHeader(p.status)
		_, _ = w.Write(p.body)
	case p.body != nil:
		_, _ = w.Write(p.body)
	default:
		answer, _ := proto.Marshal(partial(p.rejected))
		_, _ = w.Write(answer)
	}
}
