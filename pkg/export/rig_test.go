package export_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/breaker"
	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/handoff"
)

// request has one span for each trace; they are named after the batch.
func request(t *testing.T, name string, ids ...byte) []byte {
	var spans []*tracev1.Span
	for _, id := range ids {
		spans = append(spans, &tracev1.Span{
			TraceId: bytes.Repeat([]byte{id}, 16), SpanId: bytes.Repeat([]byte{id}, 8), Name: name,
		})
	}
	b, err := proto.Marshal(&collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{{
		Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{{Key: "service.name"}}},
		ScopeSpans: []*tracev1.ScopeSpans{
			{Scope: &commonv1.InstrumentationScope{Name: "lib"}, Spans: spans[:1]}, {Spans: spans[1:]},
		},
	}}})
	require.NoError(t, err)
	return b
}

// rig is an exporter that runs, and what it says.
type rig struct {
	*export.Exporter
	t      *testing.T
	faults chan export.Finding
	stop   func()
}

// quick has waits of a test; the breaker opens for as long.
func quick(by export.Balance, backends ...*backend) export.Config {
	cfg := export.Config{
		Name: "tempo", Signal: traces, Balance: by, Timeout: 20 * time.Second,
		Retry:   export.Retry{Initial: time.Millisecond, Max: 5 * time.Millisecond},
		Join:    export.Join{Linger: time.Millisecond},
		Breaker: breaker.Settings{Wait: func(int) time.Duration { return 5 * time.Millisecond }},
		Health:  balance.HealthSettings{Interval: 5 * time.Millisecond},
	}
	for i, b := range backends {
		cfg.Endpoints = append(cfg.Endpoints, export.Endpoint{
			URL: b.url(), Priority: i, Headers: map[string]string{"X-Scope-OrgID": "acme"},
		})
	}
	return cfg
}

func run(t *testing.T, cfg export.Config) *rig { return runWith(t, cfg, deps(slog.DiscardHandler)) }

func runWith(t *testing.T, cfg export.Config, d export.Deps) *rig {
	r := &rig{t: t, faults: make(chan export.Finding, 1000)}
	d.OnFault = func(f export.Finding) {
		select {
		case r.faults <- f:
		default: // a test that does not look
		}
	}
	x, err := export.New(cfg, d)
	require.NoError(t, err)
	r.Exporter = x
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(r.stop)
	return r
}

// push gives a channel that is closed when the batch is done. To be done twice panics.
func (r *rig) push(payload []byte, items int) <-chan struct{} {
	r.t.Helper()
	done := make(chan struct{})
	own := bytes.Clone(payload)
	require.NoError(r.t, r.Push(r.t.Context(), handoff.Batch{
		Sender: "a", Position: 1, Items: items, Signal: traces, Payload: own,
		Done: func() { clear(own); close(done) }, // its memory is used again
	}))
	return done
}

// fault waits for a finding.
func (r *rig) fault(kind string) export.Finding {
	r.t.Helper()
	for {
		select {
		case f := <-r.faults:
			if f.Kind == kind {
				return f
			}
		case <-r.t.Context().Done():
			r.t.FailNow()
		}
	}
}
