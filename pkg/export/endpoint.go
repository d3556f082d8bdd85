package export

import (
	"fmt"
	"net/url"
	"time"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/breaker"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// endpoint is a backend and what is known about it. All but what New set is guarded by Exporter.mu.
type endpoint struct {
	Endpoint
	transport transport
	breaker   *breaker.Breaker

	health       balance.Health
	notBefore    time.Time // it asked to be left alone until then
	inFlight     int
	sent, failed uint64
	lastError    string
}

func newEndpoint(e Endpoint, cfg Config, now func() time.Time) (*endpoint, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	out := &endpoint{Endpoint: e, breaker: breaker.New(cfg.Breaker)}
	if u.Scheme == "grpc" {
		out.transport, err = newGRPC(u, cfg, e.Headers)
	} else {
		out.transport = newHTTP(u, cfg, e.Headers, now)
	}
	return out, err
}

// ready tells whether an export may begin; if not, at is when to ask again, zero if nobody knows.
func (e *endpoint) ready(now time.Time) (ok bool, at time.Time) {
	if now.Before(e.notBefore) {
		return false, e.notBefore
	}
	return e.breaker.Ready(now)
}

// ended takes in how an export went.
func (e *endpoint) ended(now time.Time, p breaker.Permit, o outcome) {
	if o.verdict == again || o.ill {
		p.Done(now, breaker.Failure)
	} else {
		p.Done(now, breaker.Success)
	}
	if o.wait > 0 {
		e.notBefore = now.Add(o.wait)
	}
	if o.verdict == accepted {
		e.sent++
		return
	}
	e.failed++
	e.lastError = o.err.Error()
}

// pathOf is where OTLP takes a signal over HTTP; empty if it is none.
func pathOf(s handoffv1.Signal) string {
	return map[handoffv1.Signal]string{
		handoffv1.Signal_SIGNAL_TRACES: "/v1/traces", handoffv1.Signal_SIGNAL_LOGS: "/v1/logs",
		handoffv1.Signal_SIGNAL_METRICS: "/v1/metrics",
	}[s]
}

// methodOf is where OTLP takes a signal over gRPC; empty if it is none.
func methodOf(s handoffv1.Signal) string {
	return map[handoffv1.Signal]string{
		handoffv1.Signal_SIGNAL_TRACES:  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
		handoffv1.Signal_SIGNAL_LOGS:    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
		handoffv1.Signal_SIGNAL_METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
	}[s]
}
