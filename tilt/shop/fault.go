package shop

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind names a way in which a service can be broken.
type Kind string

// The faults. Faults describes them.
const (
	SlowLeaf       Kind = "slow-leaf"
	FailingService Kind = "failing-service"
	Saturation     Kind = "saturation"
	LostContext    Kind = "lost-context"
	RetryStorm     Kind = "retry-storm"
)

// How hard the faults hit.
const (
	slowBy       = 400 * time.Millisecond // median of what slow-leaf adds to each computation
	failingShare = 0.5                    // of the requests that failing-service refuses
	hastyTries   = 7                      // of retry-storm, before the one that is patient
	hastyTimeout = 3 * time.Millisecond   // below what any callee needs in all but a few requests
)

// Fault is a kind of fault and the services it may befall.
type Fault struct {
	Kind        Kind
	Description string
	Target      string   // used when none is asked for
	Targets     []string // all that may be asked for
}

// Faults returns all kinds of fault, in the order in which help shows them.
func Faults() []Fault {
	return []Fault{
		{SlowLeaf, "each computation waits about 400 ms for a slow disk", "stock-db", namesWhere(func(spec) bool { return true })},
		{FailingService, "half of the requests fail with an internal error", "payment", namesWhere(func(spec) bool { return true })},
		{Saturation, "something else uses up the cores, so requests queue for them", "pricing", namesWhere(func(spec) bool { return true })},
		{LostContext, "outgoing calls and messages carry no trace context", "checkout", namesWhere(sends)},
		{RetryStorm, "calls time out after 3 ms and are tried up to 8 times", "cart", namesWhere(asks)},
	}
}

// sends reports whether the service can pass trace context on at all.
func sends(sp spec) bool {
	return asks(sp) || calls(sp.steps(), func(s step) bool { _, ok := s.(publish); return ok })
}

// asks reports whether the service waits for answers of others.
func asks(sp spec) bool {
	return calls(sp.steps(), func(s step) bool {
		switch s.(type) {
		case call, query:
			return true
		}
		return false
	})
}

func namesWhere(fits func(spec) bool) []string {
	var names []string
	for _, sp := range topology() {
		if fits(sp) {
			names = append(names, sp.name)
		}
	}
	return names
}

// resolve returns the service that a fault of the kind befalls when target is asked for; empty asks for the default.
func resolve(kind Kind, target string) (string, error) {
	all := Faults()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Kind == kind })
	if i < 0 {
		kinds := make([]string, len(all))
		for i, f := range all {
			kinds[i] = string(f.Kind)
		}
		return "", fmt.Errorf("fault: %q, want one of %s", kind, strings.Join(kinds, ", "))
	}
	if target == "" {
		return all[i].Target, nil
	}
	if !slices.Contains(all[i].Targets, target) {
		return "", fmt.Errorf("fault-target: %q, want for %s one of %s", target, kind, strings.Join(all[i].Targets, ", "))
	}
	return target, nil
}

// switchboard says which faults are on. Many goroutines may use it. A kind is on for one target at a time.
type switchboard struct {
	mu      sync.RWMutex // guards what follows
	on      map[Kind]outage
	changed chan struct{} // closed and replaced at every change
}

// outage is a fault that is on.
type outage struct {
	target string
	since  time.Time
}

func newSwitchboard() *switchboard {
	return &switchboard{on: map[Kind]outage{}, changed: make(chan struct{})}
}

// hits reports whether the service suffers from a fault of the kind now.
func (b *switchboard) hits(kind Kind, service string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	o, on := b.on[kind]
	return on && o.target == service
}

// get returns the outage of a kind, and a channel that is closed when any fault changes.
func (b *switchboard) get(kind Kind) (o outage, on bool, changed <-chan struct{}) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	o, on = b.on[kind]
	return o, on, b.changed
}

// set switches a fault on, or moves it to another target.
func (b *switchboard) set(kind Kind, target string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o, on := b.on[kind]; on && o.target == target {
		return
	}
	b.on[kind] = outage{target, now}
	b.tell()
}

// clear switches a fault off.
func (b *switchboard) clear(kind Kind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, on := b.on[kind]; on {
		delete(b.on, kind)
		b.tell()
	}
}

// tell wakes who waits for a change. The caller holds mu.
func (b *switchboard) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}
