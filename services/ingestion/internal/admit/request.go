package admit

import (
	"time"

	"github.com/triflow/triflow/pkg/otlp"
)

// Request is one that was let in. One goroutine uses it at a time, and it is not to be copied, which go vet sees. After
// End, and as the zero value, it takes nothing and gives nothing back.
type Request struct {
	_ noCopy

	gate   *Gate // nil once it has ended
	tenant *tenant
	signal otlp.Signal
	luck   float64 // drawn once, so that asking often makes no refusal likelier

	held                   int64
	requests, items, bytes int // tokens taken
}

// noCopy makes go vet report copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Tenant is whom the request is accounted to.
func (r *Request) Tenant() string {
	if r.gate == nil {
		return ""
	}
	return r.tenant.name
}

// Reserve counts n bytes more of memory, before it is taken, or refuses the request; what it holds already stays counted
// until Release or End.
func (r *Request) Reserve(now time.Time, n int64) Verdict {
	if r.gate == nil {
		return Verdict{Reason: Overload, Wait: unknownWait, limit: ended}
	}
	if n <= 0 {
		return Verdict{}
	}
	g := r.gate
	g.mu.Lock()
	v := g.crowded(now, r.tenant, n, r.luck)
	if v.Refused() {
		r.tenant.refused[v.Reason]++ // how many items are in it is not known yet
	} else {
		g.hold(r.tenant, n)
		r.held += n
	}
	g.mu.Unlock()
	if v.Refused() {
		r.Refund()
	}
	return v
}

// Release gives back n bytes of memory before the end, at most what is held.
func (r *Request) Release(now time.Time, n int64) {
	n = min(n, r.held)
	if r.gate == nil || n <= 0 {
		return
	}
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	r.release(now, n)
}

func (r *Request) release(now time.Time, n int64) {
	r.gate.hold(r.tenant, -n)
	r.gate.drained.add(now, float64(n))
	r.held -= n
}

// Charge takes what the request turned out to be from the tenant's rates, all of it, or refuses the request.
func (r *Request) Charge(now time.Time, items, bytes int) Verdict {
	if r.gate == nil {
		return Verdict{Reason: Overload, Wait: unknownWait, limit: ended}
	}
	t := r.tenant
	forItems, okItems := t.items.Take(now, items)
	forBytes, okBytes := t.bytes.Take(now, bytes)
	if okItems {
		r.items += items
	}
	if okBytes {
		r.bytes += bytes
	}
	if okItems && okBytes {
		return Verdict{}
	}
	r.Refund()
	r.Refuse(Rate, items)
	v := Verdict{Reason: Rate, Tenant: t.name, limit: itemLimit, came: float64(items), of: t.limit.ItemsPerSecond}
	if forBytes > forItems {
		v.limit, v.came, v.of = byteLimit, float64(bytes), t.limit.BytesPerSecond
	}
	v.Wait = spreadOut(max(forItems, forBytes), r.luck)
	return v
}

// Refund gives back what the request took of the tenant's rates. The caller does it when it tells the client to come
// again; the gate has done it for what it refused itself.
func (r *Request) Refund() {
	if r.gate == nil {
		return
	}
	r.tenant.requests.Return(r.requests)
	r.tenant.items.Return(r.items)
	r.tenant.bytes.Return(r.bytes)
	r.requests, r.items, r.bytes = 0, 0, 0
}

// Accept counts items that are durable, and size, the bytes that they take in the log.
func (r *Request) Accept(items, size int) {
	if r.gate == nil {
		return
	}
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	r.tenant.accepted += uint64(max(0, items))
	r.tenant.recent[r.signal] += float64(max(0, size))
}

// Refuse counts items that the caller refused; the gate has counted what it refused itself.
func (r *Request) Refuse(reason Reason, items int) {
	if r.gate == nil {
		return
	}
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	r.tenant.refused[reason] += uint64(max(0, items))
}

// End gives back the memory. It may be called again.
func (r *Request) End(now time.Time) {
	if r.gate == nil {
		return
	}
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	r.tenant.open--
	if r.held > 0 {
		r.release(now, r.held)
	}
	r.gate = nil
}
