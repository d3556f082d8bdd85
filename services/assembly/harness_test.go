package assembly

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// T0 is when tests begin.
func t0() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// clock is moved by tests.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// voter is a sampling service that drops what drop says, whose first decision stands.
type voter struct {
	mu        sync.Mutex // guards all
	drop      func(*samplingv1.TraceFacts) bool
	decisions map[string]*samplingv1.Decision
	facts     map[string]*samplingv1.TraceFacts
	keys      []string
	epoch     uint64
	down      bool
}

func newVoter() *voter {
	return &voter{
		drop:      func(*samplingv1.TraceFacts) bool { return false },
		decisions: make(map[string]*samplingv1.Decision), facts: make(map[string]*samplingv1.TraceFacts), epoch: 1,
	}
}

var errDown = errors.New("no leader")

func (v *voter) Decide(_ context.Context, in *samplingv1.DecideRequest, _ ...grpc.CallOption) (*samplingv1.DecideResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down {
		return nil, errDown
	}
	resp := &samplingv1.DecideResponse{Epoch: v.epoch}
	for _, f := range in.GetTraces() {
		d := v.decisions[f.GetTraceId()]
		if d == nil {
			v.facts[f.GetTraceId()] = f
			d = &samplingv1.Decision{TraceId: f.GetTraceId(), Verdict: samplingv1.Verdict_VERDICT_KEEP, Policy: "all", AdjustedCount: 1}
			if v.drop(f) {
				d.Verdict, d.AdjustedCount, d.Reason = samplingv1.Verdict_VERDICT_DROP, 0, "no policy matched"
			}
			v.decisions[f.GetTraceId()] = d
		}
		resp.Decisions = append(resp.Decisions, d)
	}
	return resp, nil
}

func (v *voter) BatchGetDecisions(_ context.Context, in *samplingv1.BatchGetDecisionsRequest, _ ...grpc.CallOption) (*samplingv1.BatchGetDecisionsResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	resp := new(samplingv1.BatchGetDecisionsResponse)
	for _, t := range in.GetTraceIds() {
		if d := v.decisions[t]; d != nil {
			resp.Decisions = append(resp.Decisions, d)
		} else {
			resp.UnknownTraceIds = append(resp.UnknownTraceIds, t)
		}
	}
	return resp, nil
}

func (v *voter) GetPolicySet(context.Context, *samplingv1.GetPolicySetRequest, ...grpc.CallOption) (*samplingv1.GetPolicySetResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down {
		return nil, errDown
	}
	return &samplingv1.GetPolicySetResponse{PolicySet: &samplingv1.PolicySet{Epoch: v.epoch, AttributeKeys: v.keys}}, nil
}

// watcher is an anomaly service that remembers points.
type watcher struct {
	mu     sync.Mutex // guards all
	points []*anomalyv1.Point
	down   bool
}

func (w *watcher) Observe(_ context.Context, in *anomalyv1.ObserveRequest, _ ...grpc.CallOption) (*anomalyv1.ObserveResponse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return nil, errDown
	}
	w.points = append(w.points, in.GetPoints()...)
	return &anomalyv1.ObserveResponse{Accepted: uint32(len(in.GetPoints()))}, nil
}

// bench is a service on a disk that can crash, with its surroundings.
type bench struct {
	t     require.TestingT
	cfg   Config
	clock *clock
	voter *voter
	watch *watcher
	disk  *vfs.MemFS
	*Service
	server *server
}

func newBench(t require.TestingT, change ...func(*Config)) *bench {
	b := &bench{
		t: t, cfg: settings.Defaults[Config](), clock: &clock{now: t0().Add(10 * time.Second)}, voter: newVoter(),
		watch: new(watcher), disk: vfs.NewCrashableMem(),
	}
	b.cfg.Quiet, b.cfg.SeriesGrace = 2*time.Second, 5*time.Second // the scripts of the tests are written in these times
	for _, c := range change {
		c(&b.cfg)
	}
	b.start()
	return b
}

func (b *bench) start() {
	store, err := openPebble(b.disk, "traces")
	require.NoError(b.t, err)
	b.Service, err = build(b.cfg, Deps{
		Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: b.clock.read, Sampling: b.voter, Anomaly: b.watch,
	}, store)
	require.NoError(b.t, err)
	b.server = &server{service: b.Service}
}

// crash loses what is in memory and what was not synced, and starts again.
func (b *bench) crash() {
	disk := b.disk.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(b.t, b.store.Close())
	b.disk = disk
	b.start()
}

func (b *bench) close() { require.NoError(b.t, b.store.Close()) }

// wait lets time pass and settles what is due.
func (b *bench) wait(d time.Duration) {
	for ; d > 0; d -= time.Second {
		b.clock.advance(min(d, time.Second))
		require.NoError(b.t, b.settle(context.Background()))
	}
}

// push takes a request in, as the batch at a position, and tells when it is done.
func (b *bench) push(position uint64, spans ...*tracev1.ResourceSpans) *bool {
	done := new(bool)
	n := 0
	for _, r := range spans {
		for _, s := range r.GetScopeSpans() {
			n += len(s.GetSpans())
		}
	}
	require.NoError(b.t, b.Push(context.Background(), handoff.Batch{
		Sender: "ingestion-1", Position: position, Items: n, Signal: handoffv1.Signal_SIGNAL_TRACES, ReceiveTime: b.clock.read(),
		Payload: payload(b.t, spans...), Done: func() { *done = true },
	}))
	return done
}

func payload(t require.TestingT, spans ...*tracev1.ResourceSpans) []byte {
	p, err := proto.Marshal(&collectorv1.ExportTraceServiceRequest{ResourceSpans: spans})
	require.NoError(t, err)
	return p
}

// from puts spans under a service.
func from(service string, spans ...*tracev1.Span) *tracev1.ResourceSpans {
	return &tracev1.ResourceSpans{
		Resource:   &resourcev1.Resource{Attributes: []*commonv1.KeyValue{text("service.name", service)}},
		ScopeSpans: []*tracev1.ScopeSpans{{Spans: spans}},
	}
}

func text(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

func traceOf(n uint64) (t id.Trace) {
	binary.BigEndian.PutUint64(t[8:], n)
	t[0] = 1
	return t
}

// span makes a span from small numbers; times are ms from t0.
func span(trace, n, parent uint64, name string, kind tracev1.Span_SpanKind, from, to int) *tracev1.Span {
	t := traceOf(trace)
	s := &tracev1.Span{
		TraceId: t[:], SpanId: binary.BigEndian.AppendUint64(nil, n), Name: name, Kind: kind,
		StartTimeUnixNano: uint64(t0().Add(time.Duration(from) * time.Millisecond).UnixNano()),
		EndTimeUnixNano:   uint64(t0().Add(time.Duration(to) * time.Millisecond).UnixNano()),
	}
	if parent != 0 {
		s.ParentSpanId = binary.BigEndian.AppendUint64(nil, parent)
	}
	return s
}

func failing(s *tracev1.Span, message string) *tracev1.Span {
	s.Status = &tracev1.Status{Code: tracev1.Status_STATUS_CODE_ERROR, Message: message}
	return s
}

func with(s *tracev1.Span, attrs ...*commonv1.KeyValue) *tracev1.Span {
	s.Attributes = append(s.Attributes, attrs...)
	return s
}

const (
	internal = tracev1.Span_SPAN_KIND_INTERNAL
	serving  = tracev1.Span_SPAN_KIND_SERVER
	calling  = tracev1.Span_SPAN_KIND_CLIENT
	sending  = tracev1.Span_SPAN_KIND_PRODUCER
	taking   = tracev1.Span_SPAN_KIND_CONSUMER
)

// shop is a trace of three services and a database.
func shop(trace uint64) []*tracev1.ResourceSpans {
	return []*tracev1.ResourceSpans{
		from("front", span(trace, 1, 0, "GET /", serving, 0, 100), span(trace, 2, 1, "call cart", calling, 10, 80)),
		from("cart", span(trace, 3, 2, "cart.get", serving, 20, 70),
			with(span(trace, 4, 3, "SELECT", calling, 30, 60), text("db.system.name", "postgresql"), text("server.address", "orders"))),
	}
}

// shopAt is shop, so many ms later.
func shopAt(trace uint64, ms int) []*tracev1.ResourceSpans {
	parts := shop(trace)
	for _, r := range parts {
		for _, s := range r.GetScopeSpans()[0].GetSpans() {
			s.StartTimeUnixNano += uint64(ms) * 1e6
			s.EndTimeUnixNano += uint64(ms) * 1e6
		}
	}
	return parts
}
