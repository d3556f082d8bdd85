package admit

import (
	"cmp"
	"slices"
	"time"
)

// Usage is what a tenant may do, does and did.
type Usage struct {
	Name  string
	Limit Limit
	// InFlight is how many bytes its requests hold, Share how many they may whatever others want.
	InFlight, Share int64
	Accepted        uint64
	Refused         []Count // those that are not zero
}

// Count is how many items were refused for a reason; a request that was not read counts as one.
type Count struct {
	Reason Reason
	Items  uint64
}

// Usage tells about every tenant, who put most into the logs in the last seconds first.
func (g *Gate) Usage(now time.Time) []Usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn(now)
	busiest := make([]*tenant, 0, len(g.tenants))
	for _, t := range g.tenants {
		busiest = append(busiest, t)
	}
	slices.SortFunc(busiest, func(a, b *tenant) int {
		return cmp.Or(cmp.Compare(b.lately(), a.lately()), cmp.Compare(b.accepted, a.accepted), cmp.Compare(a.name, b.name))
	})
	all := make([]Usage, 0, len(busiest))
	for _, t := range busiest {
		all = append(all, Usage{
			Name: t.name, Limit: t.limit, InFlight: t.held, Share: int64(g.share(t)), Accepted: t.accepted, Refused: t.counts(),
		})
	}
	return all
}

func (t *tenant) lately() (bytes float64) {
	for s := range signals {
		bytes += t.before[s] + t.recent[s]
	}
	return bytes
}

func (t *tenant) counts() (all []Count) {
	for r, n := range t.refused {
		if n > 0 {
			all = append(all, Count{Reason(r), n})
		}
	}
	return all
}
