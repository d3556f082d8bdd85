package admit

import (
	"container/list"
	"strings"
	"time"

	"github.com/triflow/triflow/pkg/bucket"
)

// Other is the tenant that those are accounted under for whom there is no place.
const Other = "other"

// signals is how many kinds of telemetry there are.
const signals = 3

// tenant is the account of one tenant. All but the buckets is guarded by Gate.mu.
type tenant struct {
	name                   string
	limit                  Limit
	requests, items, bytes *bucket.Bucket

	place *list.Element // in Gate.idlest; nil for one that always has a place
	open  int           // requests begun and not ended
	held  int64         // bytes of them
	seat  int           // index in Gate.holders while held > 0

	before, recent [signals]float64 // bytes accepted in the turn before and in this one
	accepted       uint64
	refused        [len(words)]uint64
}

// find gives the account of a tenant, a new one if there is a place; nil for a name that no tenant can have.
func (g *Gate) find(now time.Time, name string) *tenant {
	if t := g.tenants[name]; t != nil {
		if t.place != nil {
			g.idlest.MoveToBack(t.place)
		}
		return t
	}
	if !validName(name) {
		return nil
	}
	if g.idlest.Len() >= g.set.Tenants && !g.evict(now) {
		return g.other
	}
	t := g.add(strings.Clone(name)) // name may be part of something large
	t.place = g.idlest.PushBack(t)
	return t
}

func (g *Gate) add(name string) *tenant {
	limit := g.set.Limits.of(name)
	t := &tenant{
		name:     name,
		limit:    limit,
		requests: newBucket(limit.RequestsPerSecond, g.set.Burst),
		items:    newBucket(limit.ItemsPerSecond, g.set.Burst),
		bytes:    newBucket(limit.BytesPerSecond, g.set.Burst),
	}
	g.tenants[name] = t
	return t
}

// looks is how many tenants evict looks at, so that names made up by the thousand cost little.
const looks = 16

// evict makes a place if one of those that were silent for longest is idle: nothing would be different for it had it
// never come.
func (g *Gate) evict(now time.Time) bool {
	e := g.idlest.Front()
	for range looks {
		if e == nil {
			return false
		}
		t := e.Value.(*tenant)
		if t.open == 0 && t.requests.Full(now) && t.items.Full(now) && t.bytes.Full(now) {
			g.idlest.Remove(e)
			delete(g.tenants, t.name)
			g.other.inherit(t)
			return true
		}
		e = e.Next()
	}
	return false
}

// inherit adds the counts of one that made room.
func (t *tenant) inherit(from *tenant) {
	t.accepted += from.accepted
	for r, n := range from.refused {
		t.refused[r] += n
	}
}
