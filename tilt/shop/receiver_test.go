package shop

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/triflow/triflow/pkg/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; only a broken shop meets it.
const patience = 30 * time.Second

// receiver is an OTLP/gRPC endpoint that keeps what it is sent.
type receiver struct {
	coltraces.UnimplementedTraceServiceServer

	address string

	mu      sync.Mutex // guards what follows
	spans   []span
	logs    []logRecord
	metrics map[string]map[string]*metrics.Metric // by service, by name, the last
	arrived chan struct{}                         // closed and replaced whenever something has come
}

type span struct {
	*traces.Span
	service  string
	resource map[string]string
	attrs    map[string]string
}

func (s span) id() string     { return hex.EncodeToString(s.SpanId) }
func (s span) parent() string { return hex.EncodeToString(s.ParentSpanId) }
func (s span) trace() string  { return hex.EncodeToString(s.TraceId) }
func (s span) failed() bool   { return s.GetStatus().GetCode() == traces.Status_STATUS_CODE_ERROR }
func (s span) isServer() bool { return s.Kind == traces.Span_SPAN_KIND_SERVER }
func (s span) isClient() bool { return s.Kind == traces.Span_SPAN_KIND_CLIENT }
func (s span) took() time.Duration {
	return time.Duration(s.EndTimeUnixNano - s.StartTimeUnixNano)
}

type logRecord struct {
	*logs.LogRecord
	service string
}

// listen starts a receiver on the address and stops it with the test.
func listen(t *testing.T, address string) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	r := &receiver{address: l.Addr().String(), metrics: map[string]map[string]*metrics.Metric{}, arrived: make(chan struct{})}
	srv := grpc.NewServer()
	coltraces.RegisterTraceServiceServer(srv, r)
	colmetrics.RegisterMetricsServiceServer(srv, metricService{r: r})
	collogs.RegisterLogsServiceServer(srv, logService{r: r})
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Stop()
		require.NoError(t, <-done)
	})
	return r
}

func (r *receiver) Export(_ context.Context, req *coltraces.ExportTraceServiceRequest) (*coltraces.ExportTraceServiceResponse, error) {
	r.take(func() {
		for _, rs := range req.ResourceSpans {
			res := texts(rs.Resource.Attributes)
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					r.spans = append(r.spans, span{s, res["service.name"], res, texts(s.Attributes)})
				}
			}
		}
	})
	return &coltraces.ExportTraceServiceResponse{}, nil
}

type metricService struct {
	colmetrics.UnimplementedMetricsServiceServer
	r *receiver
}

func (m metricService) Export(_ context.Context, req *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	m.r.take(func() {
		for _, rm := range req.ResourceMetrics {
			service := nameOf(rm.Resource)
			if m.r.metrics[service] == nil {
				m.r.metrics[service] = map[string]*metrics.Metric{}
			}
			for _, sm := range rm.ScopeMetrics {
				for _, one := range sm.Metrics {
					m.r.metrics[service][one.Name] = one
				}
			}
		}
	})
	return &colmetrics.ExportMetricsServiceResponse{}, nil
}

type logService struct {
	collogs.UnimplementedLogsServiceServer
	r *receiver
}

func (l logService) Export(_ context.Context, req *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	l.r.take(func() {
		for _, rl := range req.ResourceLogs {
			for _, sl := range rl.ScopeLogs {
				for _, one := range sl.LogRecords {
					l.r.logs = append(l.r.logs, logRecord{one, nameOf(rl.Resource)})
				}
			}
		}
	})
	return &collogs.ExportLogsServiceResponse{}, nil
}

func (r *receiver) take(add func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add()
	close(r.arrived)
	r.arrived = make(chan struct{})
}

// wait returns when the receiver has what enough asks for.
func (r *receiver) wait(t *testing.T, enough func(*receiver) bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		ok, arrived := enough(r), r.arrived
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-arrived:
		case <-deadline:
			require.FailNow(t, "the telemetry waited for has not come")
		}
	}
}

// where returns the spans that fit.
func (r *receiver) where(fits func(span) bool) []span {
	var found []span
	for _, s := range r.spans {
		if fits(s) {
			found = append(found, s)
		}
	}
	return found
}

// quickly is the default configuration at more than twice the load, with a fault from the start if any.
func quickly(endpoint string, fault Kind) Config {
	cfg := settings.Defaults[Config]()
	cfg.Endpoint, cfg.ControlAddress, cfg.Rate = endpoint, "127.0.0.1:0", 50
	cfg.Fault, cfg.FaultAfter = string(fault), 0
	return cfg
}

// start runs a shop. The returned function closes it and waits until it has stopped.
func start(t *testing.T, cfg Config) (s *Shop, stop func()) {
	t.Helper()
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return s, stop
}

// visit runs a shop under a fault, or none, until a number of checkouts has been seen, closes it, and returns everything
// it has sent.
func visit(t *testing.T, fault Kind, checkouts int) *receiver {
	t.Helper()
	r := listen(t, "127.0.0.1:0")
	_, stop := start(t, quickly(r.address, fault))
	r.wait(t, func(r *receiver) bool { return len(r.where(placesOrder)) >= checkouts })
	stop()
	return r
}

func placesOrder(s span) bool { return s.service == "checkout" && s.isServer() }

func nameOf(r *resource.Resource) string { return texts(r.Attributes)["service.name"] }

func texts(attrs []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range attrs {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		default:
			m[kv.Key] = kv.Value.String()
		}
	}
	return m
}
