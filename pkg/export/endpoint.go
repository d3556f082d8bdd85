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
	switch s {
	case handoffv1.Signal_SIGNAL_TRACES:
		return "/v1/traces"
	case handoffv1.Signal_SIGNAL_LOGS:
		return "/v1/logs"
	case handoffv1.Signal_SIGNAL_METRICS:
		return "/v1/metrics"
	}
	return ""
}

// methodOf is where OTLP takes a signal over gRPC.
func methodOf(s handoffv1.Signal) string {
	service := map[handoffv1.Signal]string{
		handoffv1.Signal_SIGNAL_TRACES:  "trace.v1.TraceService",
		handoffv1.Signal_SIGNAL_LOGS:    "logs.v1.LogsService",
		handoffv1.Signal_SIGNAL_METRICS: "metrics.v1.MetricsService",
	}[s]
	return "/opentelemetry.proto.collector." + service + "/Export"
}
