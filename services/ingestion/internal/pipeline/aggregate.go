package pipeline

import (
	"encoding/binary"
	"time"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// Bounds of the window of an aggregate.
const (
	minWindow = 100 * time.Millisecond
	maxWindow = time.Minute
)

// closer is an operation that ends with a look at all items that stay.
type closer interface {
	close(r *run, kept []entry)
}

// aggregation is what aggregates of all signals have.
type aggregation struct {
	when   *expr.Program // nil takes all
	window time.Duration // 0 is one request
}

func (c *compiler) aggregate(s otlp.Signal, from *aggregateConfig, f *faults) operation {
	a := aggregation{when: c.condition(s, expr.Items, from.When, f.at("when"))}
	if from.Window != nil {
		if a.window = *from.Window; a.window < minWindow || a.window > maxWindow {
			f.at("window").add("%s, want %s to %s", a.window, minWindow, maxWindow)
		}
	}
	switch s {
	case otlp.SignalMetrics:
		return c.points(a, from, f)
	case otlp.SignalLogs:
		return c.records(a, from, f)
	}
	f.add("for traces, want metrics or logs: spans that look alike are not the same")
	return &records{aggregation: a}
}

// Window is how long requests that lead to a destination should be gathered before Run, 0 if not at all: the longest
// window of an aggregate on the way to it.
func (s *Set) Window(signal otlp.Signal, destination string) (longest time.Duration) {
	w := ways{set: s, to: destination, known: map[*pipeline]bool{}}
	for _, p := range s.bySignal[signal] {
		for i, st := range p.stages {
			a, ok := st.op.(interface{ span() time.Duration })
			if ok && a.span() > longest && w.lead(p.stages[i:]) {
				longest = a.span()
			}
		}
	}
	return longest
}

// ways finds out what leads to a destination.
type ways struct {
	set   *Set
	to    string
	known map[*pipeline]bool
}

// lead tells whether there is a way from stages on. There are no cycles.
func (w *ways) lead(stages []*stage) bool {
	for _, st := range stages {
		r, ok := st.op.(*route)
		if !ok {
			continue
		}
		for i := range r.to {
			if w.target(&r.to[i]) {
				return true
			}
		}
		if r.when == nil {
			return false
		}
	}
	return w.to == Service
}

func (w *ways) target(t *target) bool {
	if t.pipeline == nil {
		return w.set.destinations[t.destination] == w.to
	}
	leads, ok := w.known[t.pipeline]
	if !ok {
		leads = w.lead(t.pipeline.stages)
		w.known[t.pipeline] = leads
	}
	return leads
}

func (a *aggregation) span() time.Duration { return a.window }

// selected tells whether an aggregate takes an item, and what becomes of it if not.
func (a *aggregation) selected(r *run, e *entry) (takes bool, otherwise outcome) {
	if a.when == nil {
		return true, stays
	}
	r.bind(e)
	holds, ok := r.holds(a.when)
	if !ok {
		return false, over
	}
	return holds, stays
}

// pots are the items of a stage that others become part of.
type pots struct {
	by      map[string]int32 // what makes items alike to their pot
	points  []pointPot
	records []recordPot
	key     []byte
	pairs   [][]byte // attributes that stay
	// same has, by level, the first group that a group is the same as; of has those by what is in them.
	same [3]map[int32]int32
	of   map[string]int32
}

func newPots() pots {
	return pots{by: map[string]int32{}, of: map[string]int32{}, same: [3]map[int32]int32{{}, {}, {}}}
}

func (p *pots) reset() {
	clear(p.by)
	clear(p.of)
	clear(p.points)
	clear(p.records)
	p.points, p.records = p.points[:0], p.records[:0]
	for level := range p.same {
		clear(p.same[level])
	}
}

// canonical gives one index to groups on a level that have the same content under the same groups.
func (r *run) canonical(level int, at int32) int32 {
	p := &r.pots
	if first, ok := p.same[level][at]; ok {
		return first
	}
	g := &r.batch.Levels[level][at]
	parent := int32(-1)
	if level > 0 {
		parent = r.canonical(level-1, g.Parent)
	}
	key := append(make([]byte, 0, 64), byte(level), byte(g.Kind))
	key = binary.AppendVarint(key, int64(parent))
	for _, part := range [][]byte{g.Self, g.Rest, g.Data} {
		key = append(binary.AppendUvarint(key, uint64(len(part))), part...)
	}
	first, ok := p.of[string(key)]
	if !ok {
		first = at
		p.of[string(key)] = at
	}
	p.same[level][at] = first
	return first
}

// begin starts the key of an item: what it belongs to.
func (r *run) begin(e *entry) []byte {
	level := record.Scopes
	if r.in.Signal == otlp.SignalMetrics {
		level = record.Metrics
	}
	return binary.AppendVarint(r.pots.key[:0], int64(r.canonical(level, e.Group)))
}
