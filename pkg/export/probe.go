package export

import (
	"context"
	"time"

	"github.com/triflow/triflow/pkg/balance"
)

// watch probes an endpoint until ctx ends.
func (x *Exporter) watch(ctx context.Context, e *endpoint) {
	var h balance.Health
	for sleep(ctx, x.untilProbe(e, h)) {
		if x.untilProbe(e, h) > 0 { // it has asked meanwhile
			continue
		}
		o := e.export(ctx, part{}, x.cfg.Health.Timeout)
		if ctx.Err() != nil {
			return
		}
		was := h
		alive := o.verdict != again && !o.ill || o.wait > 0 // who asks for time is there
		h = h.Probed(alive, x.deps.Now(), x.cfg.Health)
		x.probed(e, h, o)
		if quiet := x.deps.Now().Add(o.wait); quiet.After(h.Next) { // it goes for probes: an export asks for itself
			h.Next = quiet
		}
		if h.Ill != was.Ill {
			x.deps.Log.Warn("health of an endpoint changed",
				"destination", x.cfg.Name, "endpoint", e.URL, "healthy", !h.Ill, "error", o.err)
		}
		if h.Ill && o.err != nil {
			x.fault(e, crash, "unreachable", 0, o.err.Error())
		}
	}
}

// untilProbe is how long to wait: who asked to be left alone is not even probed.
func (x *Exporter) untilProbe(e *endpoint, h balance.Health) time.Duration {
	now := x.deps.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	return max(h.Next.Sub(now), e.notBefore.Sub(now))
}

func (x *Exporter) probed(e *endpoint, h balance.Health, o outcome) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e.health = h
	if o.err != nil {
		e.lastError = o.err.Error()
	}
}
