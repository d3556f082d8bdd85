package pipeline

import (
	"slices"
	"strings"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
)

// filter drops items: those that a condition holds for, or all others.
type filter struct {
	when *expr.Program
	keep bool
}

func (c *compiler) filter(s otlp.Signal, from *filterConfig, f *faults) operation {
	switch {
	case from.Drop != nil && from.Keep == nil:
		return &filter{when: c.condition(s, expr.Items, from.Drop, f.at("drop"))}
	case from.Keep != nil && from.Drop == nil:
		return &filter{when: c.condition(s, expr.Items, from.Keep, f.at("keep")), keep: true}
	}
	f.add("keep and drop, or neither, want one of them")
	return &filter{}
}

func (f *filter) do(r *run, e *entry) outcome {
	r.bind(e)
	holds, ok := r.holds(f.when)
	switch {
	case !ok:
		return over
	case holds != f.keep:
		return drops
	}
	return stays
}

// route leads items out of the pipeline. Each of its targets gets them.
type route struct {
	when *expr.Program // nil takes all
	to   []target
}

// target is where a route leads to: a pipeline, or a destination.
type target struct {
	pipeline    *pipeline
	destination int
	led         count
}

func (c *compiler) route(s otlp.Signal, from *routeConfig, f *faults) operation {
	r := &route{when: c.condition(s, expr.Items, from.When, f.at("when"))}
	if len(from.To) == 0 {
		f.at("to").add("empty, want 1 to %d names", maxEntries)
	}
	if !f.at("to").count(len(from.To), maxEntries) {
		return r
	}
	r.to = make([]target, len(from.To))
	for i, to := range from.To {
		at := f.at("to[%d]", i)
		if slices.Contains(from.To[:i], to) {
			at.add("%q is named above, want each name once", to)
		}
		name, leads := strings.CutPrefix(to, toPipeline)
		if !leads {
			r.to[i].destination = slices.Index(c.set.destinations, to)
			if r.to[i].destination < 0 {
				at.add("%q, want %s or one of %s", to, toPipeline+"name", strings.Join(c.set.destinations, ", "))
			}
			continue
		}
		p := c.byName[name]
		switch {
		case p == nil:
			at.add("no pipeline %q, want one of this configuration", name)
		case p.signal != s:
			at.add("pipeline %q is for %s, want one for %s", name, p.signal, s)
		}
		r.to[i].pipeline = p
	}
	return r
}

func (t *route) do(r *run, e *entry) outcome {
	if t.when != nil {
		r.bind(e)
		holds, ok := r.holds(t.when)
		if !ok {
			return over
		}
		if !holds {
			return stays
		}
	}
	if !r.pay(int64(len(t.to))) {
		return over
	}
	for i := range t.to {
		to := &t.to[i]
		to.led.add(volumeOf(e.Raw))
		if to.pipeline == nil {
			r.deliver(to.destination, *e)
		} else {
			r.enter(to.pipeline, *e)
		}
	}
	return leaves
}
