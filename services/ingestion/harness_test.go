package ingestion

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/rpc"
	"github.com/triflow/triflow/pkg/settings"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

func TestMain(m *testing.M) {
	AcceptZstd()
	goleak.VerifyTestMain(m)
}

const traceExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// exports are the methods, by signal.
var exports = [3]string{
	traceExport,
	"/opentelemetry.proto.collector.logs.v1.LogsService/Export",
	"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}

// sink is a receiver that gives on what it gets; it takes nothing while open is not closed.
type sink struct {
	open chan struct{}
	got  chan handoff.Batch
}

func newSink() *sink { return &sink{open: make(chan struct{}), got: make(chan handoff.Batch, 4096)} }

func (s *sink) Push(ctx context.Context, b handoff.Batch) error {
	select {
	case <-s.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	b.Payload = bytes.Clone(b.Payload) // it is looked at after Done
	s.got <- b
	b.Done()
	return nil
}

func small() Config {
	c := settings.Defaults[Config]()
	c.GRPC, c.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	c.MaxBytes, c.InFlightBytes, c.SegmentBytes, c.WALBytes = 1<<16, 1<<20, 1<<17, 1<<18
	return c
}

func roomy() Config {
	c := small()
	c.SegmentBytes, c.WALBytes = 4<<20, 64<<20
	return c
}

type running struct {
	*Service
	traces *sink
	conn   *grpc.ClientConn
	url    string
	stop   func()
}

func start(t testing.TB, cfg Config, dir string, to *sink) *running {
	return startWith(t, cfg, dir, to, noop.Meter{})
}

func startWith(t testing.TB, cfg Config, dir string, to *sink, meter metric.Meter) *running {
	s, err := New(cfg, Deps{Log: slog.New(slog.DiscardHandler), Meter: meter, Now: time.Now, Rand: rand.Float64, Dir: dir, Traces: to, Logs: to, Metrics: to, Dial: dial})
	require.NoError(t, err)
	s.buffers.gone = func(b []byte) { // whoever still reads is found out
		for i := range b {
			b[i] = 0xff
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	g, h := s.Addrs()
	conn, err := grpc.NewClient("passthrough:///"+g.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	stop := sync.OnceFunc(func() {
		require.NoError(t, conn.Close())
		http.DefaultClient.CloseIdleConnections()
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return &running{Service: s, traces: to, conn: conn, url: "http://" + h.String(), stop: stop}
}

// dial connects to the RPC address of another collector.
func dial(address string) (grpc.ClientConnInterface, func() error, error) {
	conn, err := rpc.Dial("passthrough:///"+address, time.Minute)
	if err != nil {
		return nil, nil, err
	}
	return conn, conn.Close, nil
}

func span(n byte) *tracev1.Span {
	return &tracev1.Span{TraceId: bytes.Repeat([]byte{n}, 16), SpanId: bytes.Repeat([]byte{n}, 8), Name: "GET /cart"}
}

func request(t testing.TB, spans ...*tracev1.Span) []byte {
	b, err := proto.Marshal(&collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: spans}}}}})
	require.NoError(t, err)
	return b
}

func packed(t testing.TB, b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

// packedBy packs b by an encoding.
func packedBy(t testing.TB, encoding string, b []byte) []byte {
	if encoding == "gzip" {
		return packed(t, b)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	defer z.Close()
	return z.EncodeAll(b, nil)
}

func (r *running) post(t testing.TB, method, path, kind, encoding string, b []byte) (*http.Response, string) {
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, bytes.NewReader(b))
	require.NoError(t, err)
	req.Header.Set("Content-Type", kind)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, strings.ToValidUTF8(string(body), "")
}

// call exports over gRPC.
func (r *running) call(t testing.TB, b []byte, opts ...grpc.CallOption) ([]byte, error) {
	var out []byte
	err := r.conn.Invoke(t.Context(), traceExport, b, &out, append(opts, grpc.ForceCodecV2(raw{}))...)
	return out, err
}

// served shows that a good request is taken now.
func (r *running) served(t testing.TB) {
	t.Helper()
	out, err := r.call(t, request(t, span(1)))
	require.NoError(t, err)
	require.Empty(t, out)
	resp, body := r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, "", request(t, span(1)))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	for range 2 {
		require.Equal(t, 1, (<-r.traces.got).Items)
	}
}

// crowd takes all the memory for requests, by many tenants, until leave.
func (r *running) crowd(t testing.TB) (leave func()) {
	var all []*admit.Request
	for i := range 64 {
		in, v := r.gate.Begin(time.Now(), "crowd-"+strconv.Itoa(i), otlp.SignalTraces)
		require.NotEqual(t, admit.Malformed, v.Reason)
		for !v.Refused() {
			v = in.Reserve(time.Now(), 512)
		}
		all = append(all, &in)
	}
	return func() {
		for _, in := range all {
			in.End(time.Now())
		}
	}
}
