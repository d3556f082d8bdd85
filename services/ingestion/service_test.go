package ingestion

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

func ledger(t *testing.T, s *Service) *ingestionv1.SignalLedger {
	out, err := (&server{s: s}).GetLedger(t.Context(), nil)
	require.NoError(t, err)
	return out.GetSignals()[0]
}

func TestAnSDKExportsOverGRPC(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithGRPCConn(r.conn), otlptracegrpc.WithCompressor("gzip"))
	require.NoError(t, err)
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	_, sp := p.Tracer("test").Start(t.Context(), "GET /cart")
	sp.End()
	require.NoError(t, p.Shutdown(t.Context()))
	b := <-to.got
	require.Equal(t, 1, b.Items)
	require.Equal(t, "ingestion/traces", b.Sender)
	require.True(t, bytes.Contains(b.Payload, []byte("GET /cart")))
}

func TestWhatWasNotHandedOnComesAfterARestartAndTheLedgerStays(t *testing.T) {
	dir, shut := t.TempDir(), newSink()
	r := start(t, small(), dir, shut)
	for range 3 {
		_, err := r.call(t, request(t, span(1), span(2)))
		require.NoError(t, err)
	}
	l := ledger(t, r.Service)
	require.Equal(t, []uint64{6, 0, 6}, []uint64{l.GetAccepted(), l.GetDone(), l.GetBacklog()})
	r.stop()

	to := newSink()
	r = start(t, small(), dir, to)
	l = ledger(t, r.Service)
	require.Equal(t, []uint64{6, 0, 6}, []uint64{l.GetAccepted(), l.GetDone(), l.GetBacklog()})
	close(to.open)
	for i := range 3 {
		require.EqualValues(t, 2*i+2, (<-to.got).TotalItems)
	}
	r.stop()

	r = start(t, small(), dir, newSink())
	l = ledger(t, r.Service)
	require.Equal(t, []uint64{6, 6, 0}, []uint64{l.GetAccepted(), l.GetDone(), l.GetBacklog()})
}

func TestAFullLogAsksToComeBackAndRecovers(t *testing.T) {
	to := newSink()
	r := start(t, small(), t.TempDir(), to)
	big := request(t, &tracev1.Span{TraceId: span(1).TraceId, SpanId: span(1).SpanId, Name: string(bytes.Repeat([]byte("x"), 60_000))})
	var err error
	for err == nil {
		_, err = r.call(t, big)
	}
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.IsType(t, &errdetails.RetryInfo{}, status.Convert(err).Details()[0])
	resp, _ := r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, "", big)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	close(to.open)
	require.Eventually(t, func() bool { _, err := r.call(t, big); return err == nil }, 10*time.Second, 10*time.Millisecond)
}

func TestNothingIsTakenAboveTheCeilingOrWhileGoingDown(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	leave := r.crowd(t)
	_, err := r.call(t, request(t, span(1)))
	require.Equal(t, codes.Unavailable, status.Code(err))
	resp, _ := r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, "", request(t, span(1)))
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	leave()
	r.served(t)
	r.draining.Store(true)
	require.Error(t, r.Ready())
	_, err = r.call(t, request(t, span(1)))
	require.Equal(t, codes.Unavailable, status.Code(err))
}

func TestAnEndBeforeTheBeginningIsNoError(t *testing.T) {
	to := newSink()
	s, err := New(small(), Deps{Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: time.Now, Rand: rand.Float64, Dir: t.TempDir(), Traces: to, Logs: to, Metrics: to})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx))
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	r := start(t, small(), t.TempDir(), newSink())
	cfg := small()
	_, at := r.Addrs()
	cfg.HTTP = at.String()
	_, err := New(cfg, Deps{Log: r.deps.Log, Meter: r.deps.Meter, Now: time.Now, Rand: rand.Float64, Dir: t.TempDir(), Traces: r.traces, Logs: r.traces, Metrics: r.traces})
	require.ErrorContains(t, err, at.String())
}

func TestEveryFaultOfTheConfigIsNamed(t *testing.T) {
	err := Config{}.Validate()
	for _, name := range []string{"name", "grpc", "http", "max_bytes", "segment_bytes"} {
		require.ErrorContains(t, err, "ingestion."+name)
	}
}

func BenchmarkExportOf512Spans(b *testing.B) {
	cfg := small()
	cfg.MaxBytes, cfg.InFlightBytes, cfg.SegmentBytes, cfg.WALBytes = 16<<20, 256<<20, 64<<20, 1<<30
	to := newSink()
	close(to.open)
	r := start(b, cfg, b.TempDir(), to)
	spans := make([]*tracev1.Span, 512)
	for i := range spans {
		spans[i] = span(byte(i%255 + 1))
		spans[i].Name = string(bytes.Repeat([]byte("x"), 430))
	}
	body := request(b, spans...)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, err := r.call(b, body)
		require.NoError(b, err)
		<-to.got
	}
}
