package export

import (
	"time"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/breaker"
)

// candidates are the endpoints that an export may go to now and that have not failed in round.
func (x *Exporter) candidates(round *balance.Round) []int {
	now := x.deps.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	members := make([]balance.Member, len(x.endpoints))
	for i, e := range x.endpoints {
		ready, _ := e.ready(now)
		members[i] = balance.Member{Priority: e.Priority, Healthy: !e.health.Ill, Ready: ready && !round.Tried(i)}
	}
	return balance.Candidates(nil, members)
}

// reserve picks an endpoint for each share that has none, and counts all of them as in flight.
func (x *Exporter) reserve(shares []share, among []int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range shares {
		s := &shares[i]
		if s.endpoint == anyone {
			s.endpoint = x.pick(among)
		}
		x.endpoints[s.endpoint].inFlight++
	}
}

// pick is called under mu.
func (x *Exporter) pick(among []int) int {
	if x.cfg.Balance == LeastConnections {
		return x.least.Pick(among, func(i int) int { return x.endpoints[i].inFlight })
	}
	return x.turns.Pick(among)
}

// release gives back what was reserved and not used.
func (x *Exporter) release(e *endpoint) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e.inFlight--
}

// settle takes in how an export of items went.
func (x *Exporter) settle(e *endpoint, p breaker.Permit, o outcome, items int) {
	now := x.deps.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	e.inFlight--
	if o.aborted {
		p.Done(now, breaker.Ignored)
		return
	}
	e.ended(now, p, o)
	switch o.verdict {
	case accepted:
		x.rejected += uint64(o.rejected)
	case refused:
		x.dropped[o.reason] += uint64(items)
	case again:
		x.retries++
	case cut:
		x.cuts++
	}
}

// pause tells how long to wait after round n, from 0: until an endpoint may be used again, and a random time more.
func (x *Exporter) pause(n int) time.Duration {
	now, random := x.deps.Now(), backoff(x.cfg.Retry, n, x.deps.Rand())
	x.mu.Lock()
	defer x.mu.Unlock()
	var first time.Time
	for _, e := range x.endpoints {
		ready, at := e.ready(now)
		if ready || at.IsZero() {
			return random
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first.Sub(now) + random
}
