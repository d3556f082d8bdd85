package export

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/handoff"
)

// maxOpen bounds the tenants whose batches are gathered at a time.
const maxOpen = 64

// joint is batches of one tenant that go as one request. Requests of OTLP are joined by writing one after the other,
// since all that they have is a repeated field (Protocol Buffers, "Encoding": last one wins, or is added).
type joint struct {
	tenant       string
	batches      []handoff.Batch
	items, bytes int
	due          time.Time // when it goes though it is not full
}

func (j *joint) add(b handoff.Batch) {
	j.batches = append(j.batches, b)
	j.items += b.Items
	j.bytes += len(b.Payload)
}

// whole is all of it.
func (j *joint) whole() part {
	p := part{tenant: j.tenant, items: j.items}
	for _, b := range j.batches {
		p.pieces = append(p.pieces, piece{b.Payload, b.Items})
	}
	return p
}

// joiner gathers batches. A joint that is due still grows until it is taken, so that requests are as large as they
// have to be: the busier the backend, the larger. It reads no clock, and one goroutine uses it.
type joiner struct {
	limits Join
	open   []*joint // in the order in which they are due, of different tenants
	full   []*joint
}

// add takes b over.
func (g *joiner) add(b handoff.Batch, now time.Time) {
	if !framed(b.Payload) { // it would take a neighbour's bytes for its own
		g.full = append(g.full, g.begin(b, now))
		return
	}
	i := slices.IndexFunc(g.open, func(j *joint) bool { return j.tenant == b.Tenant })
	if i >= 0 && (g.open[i].items+b.Items > g.limits.Items || g.open[i].bytes+len(b.Payload) > g.limits.Bytes) {
		g.close(i)
		i = -1
	}
	if i >= 0 {
		g.open[i].add(b)
	} else {
		g.open = append(g.open, g.begin(b, now))
		i = len(g.open) - 1
	}
	if g.open[i].items >= g.limits.Items || g.open[i].bytes >= g.limits.Bytes {
		g.close(i)
	}
	if len(g.open) > maxOpen {
		g.close(0)
	}
}

func (g *joiner) begin(b handoff.Batch, now time.Time) *joint {
	j := &joint{tenant: b.Tenant, due: now.Add(g.limits.Linger)}
	j.add(b)
	return j
}

func (g *joiner) close(i int) {
	g.full = append(g.full, g.open[i])
	g.open = slices.Delete(g.open, i, i+1)
}

// first is what is to go next, or nil; wait is how long until there is, if nothing else comes, and 0 if that is never.
func (g *joiner) first(now time.Time) (j *joint, wait time.Duration) {
	switch {
	case len(g.full) > 0:
		return g.full[0], 0
	case len(g.open) == 0:
		return nil, 0
	case g.open[0].due.After(now):
		return nil, g.open[0].due.Sub(now)
	}
	return g.open[0], 0
}

// took removes what first gave.
func (g *joiner) took() {
	if len(g.full) > 0 {
		g.full = slices.Delete(g.full, 0, 1)
	} else {
		g.open = slices.Delete(g.open, 0, 1)
	}
}

// gather joins what is pushed and gives it to workers, until ctx ends. It takes nothing in while a full joint waits.
func (x *Exporter) gather(ctx context.Context) {
	g := joiner{limits: x.cfg.Join}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		in, out := x.in, x.joined
		first, wait := g.first(x.deps.Now())
		if first == nil {
			out = nil
		}
		if len(g.full) > 0 {
			in = nil
		}
		if timer.Stop(); wait > 0 {
			timer.Reset(wait)
		}
		select {
		case b := <-in:
			g.add(b, x.deps.Now())
		case out <- first:
			g.took()
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// framed tells whether the fields of a request end where it ends.
func framed(b []byte) bool {
	for len(b) > 0 {
		_, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}
