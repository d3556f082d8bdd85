package admit

import (
	"container/list"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/triflow/triflow/pkg/otlp"
)

// Gate admits requests. Many goroutines may use it; nothing blocks.
type Gate struct {
	set  Settings
	room float64 // bytes that are for everybody
	fair float64 // bytes of the room below which nobody is dropped

	mu      sync.Mutex // guards what follows and what is in a tenant; never held across a call out
	tenants map[string]*tenant
	other   *tenant
	idlest  *list.List // of tenants that can be evicted, who was silent for longest first

	held    int64     // bytes of all requests
	holders []*tenant // those with held > 0
	weight  float64   // of holders
	level   float64   // fair level of bytes held per weight, as it was when stale fewer bytes had come and gone
	stale   float64
	drained flow // bytes given back

	logs     [signals]log
	turned   time.Time // when the turn began
	demands  []demand  // room for fairLevel's argument
	inFlight []demand  // likewise
}

// log is what is known of the log of one signal.
type log struct {
	u, drain float64 // utilisation, and how much it sinks per second by what leaves
	level    float64 // fair level of bytes accepted in a turn per weight
}

// turnTime is how long what a tenant put into a log is remembered: in this turn and the next.
const turnTime = 5 * time.Second

// New gives a gate with nothing in flight, or every fault of set.
func New(set Settings) (*Gate, error) {
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("make gate: %w", err)
	}
	room := float64(set.Bytes) * (1 - set.Reserve)
	g := &Gate{
		set: set, room: room, fair: set.Threshold * room,
		tenants: map[string]*tenant{}, idlest: list.New(), stale: math.Inf(1),
	}
	for _, name := range slices.Sorted(maps.Keys(set.Limits.Tenants)) {
		g.add(name)
	}
	if g.other = g.tenants[Other]; g.other == nil {
		g.other = g.add(Other)
	}
	return g, nil
}

// SetBacklog tells how full the log of a signal is, u from 0 to 1, and how much of it leaves per second, 0 if that is
// not known. It stays so until it is told again.
func (g *Gate) SetBacklog(signal otlp.Signal, u, drainPerSecond float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.logs[signal].u, g.logs[signal].drain = u, drainPerSecond
}

// Held is how many bytes all requests hold.
func (g *Gate) Held() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// Begin lets a request of a tenant in, of which nothing is known yet. The request must be ended, whatever becomes of it;
// one that was refused need not be.
func (g *Gate) Begin(now time.Time, name string, signal otlp.Signal) (Request, Verdict) {
	luck := g.set.Random()
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.find(now, name)
	if t == nil {
		return Request{}, Verdict{Reason: Malformed, Tenant: name, limit: nameLimit, came: float64(len(name))}
	}
	g.turn(now)
	v := g.pressed(now, t, signal, luck)
	if !v.Refused() {
		v = g.crowded(now, t, 0, luck)
	}
	if !v.Refused() {
		v = t.takeRequest(now, luck)
	}
	if v.Refused() {
		t.refused[v.Reason]++
		return Request{}, v
	}
	t.open++
	return Request{gate: g, tenant: t, signal: signal, luck: luck, requests: 1}, Verdict{}
}

func (t *tenant) takeRequest(now time.Time, luck float64) Verdict {
	wait, ok := t.requests.Take(now, 1)
	if ok {
		return Verdict{}
	}
	return Verdict{
		Reason: Rate, Wait: spreadOut(wait, luck), Tenant: t.name,
		limit: requestLimit, came: 1, of: t.limit.RequestsPerSecond,
	}
}

// crowded refuses n bytes more of a tenant, if there is no room for them.
func (g *Gate) crowded(now time.Time, t *tenant, n int64, luck float64) Verdict {
	all, own := float64(g.held+n), float64(t.held+n)
	if g.held+n > g.set.Bytes {
		return Verdict{
			Reason: Overload, Tenant: t.name, limit: roomLimit, came: all, of: float64(g.set.Bytes),
			Wait: spreadOut(drainWait(all-float64(g.set.Bytes), g.drained.perSecond(now)), luck),
		}
	}
	p := drop(all/g.room, g.set.Threshold)
	if luck >= p || own <= g.share(t) || p < 1 && own <= g.fairLevel()*t.limit.Weight {
		return Verdict{}
	}
	return Verdict{ // luck is even in [0,p) now
		Reason: Overload, Tenant: t.name, limit: shareLimit, came: own, of: g.share(t),
		Wait: spreadOut(drainWait(all-g.fair, g.drained.perSecond(now)), luck/p),
	}
}

// pressed refuses a request that would go to a log that is too full for it.
func (g *Gate) pressed(now time.Time, t *tenant, signal otlp.Signal, luck float64) Verdict {
	l := &g.logs[signal]
	p := drop(l.u, g.set.Threshold)
	if luck >= p || max(t.before[signal], t.recent[signal]) <= l.level*t.limit.Weight {
		return Verdict{}
	}
	return Verdict{
		Reason: Overload, Tenant: t.name, limit: logLimit, signal: signal, came: l.u, of: g.set.Threshold,
		Wait: spreadOut(drainWait(l.u-g.set.Threshold, l.drain), luck/p),
	}
}

// share is what a tenant may hold whatever others want.
func (g *Gate) share(t *tenant) float64 {
	weight := g.weight
	if t.held == 0 {
		weight += t.limit.Weight
	}
	return g.fair * t.limit.Weight / weight
}

// grain is the part of the room that may come and go before the fair level is made anew, so that to admit a request
// costs the same however many hold something.
const grain = 1.0 / 64

// fairLevel is the max-min level of bytes held.
func (g *Gate) fairLevel() float64 {
	if g.stale > grain*g.fair {
		g.inFlight = g.inFlight[:0]
		for _, t := range g.holders {
			g.inFlight = append(g.inFlight, demand{float64(t.held), t.limit.Weight})
		}
		g.level, g.stale = fairLevel(g.fair, g.inFlight), 0
	}
	return g.level
}

// hold adds n bytes to what a tenant holds, or takes them away.
func (g *Gate) hold(t *tenant, n int64) {
	before := t.held
	t.held += n
	g.held += n
	g.stale += float64(max(n, -n))
	switch {
	case before == 0 && t.held > 0:
		t.seat = len(g.holders)
		g.holders = append(g.holders, t)
		g.weight += t.limit.Weight
	case before > 0 && t.held == 0:
		last := len(g.holders) - 1
		g.holders[t.seat] = g.holders[last]
		g.holders[t.seat].seat = t.seat
		g.holders[last] = nil
		g.holders = g.holders[:last]
		g.weight -= t.limit.Weight
		if last == 0 {
			g.weight = 0 // what rounding left
		}
	}
}

// turn begins a new turn when it is time, which makes the fair levels of the logs from the turn before.
func (g *Gate) turn(now time.Time) {
	passed := now.Sub(g.turned)
	if passed < turnTime {
		return
	}
	g.turned = now
	for s := range signals {
		g.demands = g.demands[:0]
		sum := 0.0
		for _, t := range g.tenants {
			t.before[s], t.recent[s] = t.recent[s], 0
			if passed >= 2*turnTime {
				t.before[s] = 0
			}
			if t.before[s] > 0 {
				g.demands = append(g.demands, demand{t.before[s], t.limit.Weight})
				sum += t.before[s]
			}
		}
		g.logs[s].level = 0
		if sum > 0 {
			g.logs[s].level = fairLevel(g.set.Threshold*sum, g.demands)
		}
	}
}
