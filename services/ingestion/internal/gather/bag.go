// Package gather decides which requests of a log pass the pipelines together, so that an aggregate has more than one to
// work on.
//
// A bundle has the requests of one tenant that came within a window after the first of them. It is given out when the
// window is over, when it is full, or when all bundles together are: the oldest goes first then. What goes in comes out,
// once, each tenant's in order.
//
// Invariants. After Next gave nothing, the bag holds at most Limits.Bytes, and nothing for longer than Limits.Window. It
// reads no clock.
package gather

import (
	"slices"
	"time"

	"github.com/triflow/triflow/pkg/handoff"
)

// Limits bound a bag. Both are more than 0.
type Limits struct {
	// Window is how long a request waits for others.
	Window time.Duration
	// Bytes of the payloads that it holds.
	Bytes int
}

// Bag holds requests. It must come from New. One goroutine uses it.
type Bag struct {
	limits Limits
	open   []*bundle // the oldest first, of different tenants
	full   []*bundle
	bytes  int // of those that are open
}

type bundle struct {
	tenant  string
	batches []handoff.Batch
	bytes   int
	due     time.Time
}

// New makes an empty bag.
func New(l Limits) *Bag { return &Bag{limits: l} }

// Add takes b over.
func (g *Bag) Add(b handoff.Batch, now time.Time) {
	i := slices.IndexFunc(g.open, func(o *bundle) bool { return o.tenant == b.Tenant })
	if i < 0 {
		i = len(g.open)
		g.open = append(g.open, &bundle{tenant: b.Tenant, due: now.Add(g.limits.Window)})
	}
	o := g.open[i]
	o.batches = append(o.batches, b)
	o.bytes += len(b.Payload)
	g.bytes += len(b.Payload)
	for g.bytes > g.limits.Bytes {
		g.close()
	}
}

// close ends the oldest bundle.
func (g *Bag) close() {
	g.full = append(g.full, g.open[0])
	g.bytes -= g.open[0].bytes
	g.open = slices.Delete(g.open, 0, 1)
}

// Until says how far Next goes.
type Until uint8

// What Next may give.
const (
	// Due is what has waited for long enough.
	Due Until = iota
	// Empty is all that there is.
	Empty
)

// Next gives the requests that go next, or none and how long until there are, if nothing else comes; 0 is for ever.
func (g *Bag) Next(now time.Time, until Until) (batches []handoff.Batch, wait time.Duration) {
	if len(g.full) == 0 && len(g.open) > 0 && (until == Empty || !g.open[0].due.After(now)) {
		g.close()
	}
	switch {
	case len(g.full) > 0:
		batches = g.full[0].batches
		g.full = slices.Delete(g.full, 0, 1)
		return batches, 0
	case len(g.open) > 0:
		return nil, g.open[0].due.Sub(now)
	}
	return nil, 0
}
