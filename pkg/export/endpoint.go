package export

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/breaker"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// endpoint is a backend and what is known about it. All but what New set is guarded by Exporter.mu.
type endpoint struct {
	Endpoint
	headers   *headers
	transport transport
	packs     atomic.Bool // requests to it
	breaker   *breaker.Breaker

	health       balance.Health
	notBefore    time.Time // it asked to be left alone until then
	inFlight     int
	sent, failed uint64
	lastError    string
}

func newEndpoint(e Endpoint, cfg Config, deps Deps) (*endpoint, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	out := &endpoint{Endpoint: e, breaker: breaker.New(cfg.Breaker)}
	out.packs.Store(cfg.Compression != None)
	if out.headers, err = newHeaders(e, deps); err != nil {
		return nil, err
	}
	protocols := []string{"h2", "http/1.1"}
	if overGRPC(u) {
		protocols = protocols[:1]
	}
	k, err := newKeys(e.TLS, deps, protocols...)
	if err != nil {
		return nil, err
	}
	if overGRPC(u) {
		out.transport, err = newGRPC(u, cfg, out.headers, k)
	} else {
		out.transport = newHTTP(u, cfg, out.headers, k, deps.Now)
	}
	return out, err
}

// export makes one request. If the backend does not know how it is packed, it goes once more as it is, and so do those
// that follow if that helps.
func (e *endpoint) export(ctx context.Context, p part, timeout time.Duration) outcome {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	packs := e.packs.Load()
	o := e.transport.send(ctx, p, packs)
	if packs && o.encoding {
		if plain := e.transport.send(ctx, p, false); !plain.encoding {
			e.packs.Store(plain.verdict != accepted)
			o = plain
		}
	}
	o.message = e.headers.hide(o.message)
	if o.err != nil {
		o.err = errors.New(e.headers.hide(o.err.Error()))
	}
	return o
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
