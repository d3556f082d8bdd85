package pipeline

import (
	"errors"
	"time"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// Input is a request.
type Input struct {
	Signal otlp.Signal
	// Payload is the request as a valid message of OTLP; it is not written to.
	Payload []byte
	// Items are the spans, log records or points in it.
	Items  int
	Tenant string
	// Requests are the items of each of the requests that were joined to this one, in their order; nil if it is one. The
	// bounds of pipelines are so many times what they are for one.
	Requests []int
	// To is the destination that is asked for: only its part is written, and Fates tell what became of items on the way
	// there. Without it all parts are written.
	To string
	// Elapsed tells how long the work on the request has taken; nil sets no bound.
	Elapsed func() time.Duration
}

// entry is an item on its way.
type entry struct {
	record.Item
	at     int32 // its place in the request
	first  int32 // index of the pipeline that took it first, whose limits hold
	hops   int32
	edited bool
}

// budget is what is left for the items that one pipeline took.
type budget struct {
	steps   int64
	timeout time.Duration
	calls   uint8
}

// run is the memory of one Run.
type run struct {
	set     *Set
	batch   record.Batch
	view    expr.Record
	in      Input
	out     *Output
	budgets []budget  // by pipeline
	inbox   [][]entry // by pipeline
	outbox  [][]entry // by destination
	budget  *budget   // of the item at hand
	items   []record.Item
	fates   []ending // by place in the request
	pots    pots
	place   int                // where the item at hand will be among those that stay in its stage
	moved   [3]map[int32]int32 // by level: groups that the stage under way edited, and what they became
	path    []byte             // of a walker
}

func newRun(s *Set) *run {
	n := len(s.pipelines)
	return &run{set: s, budgets: make([]budget, n), inbox: make([][]entry, n), outbox: make([][]entry, len(s.destinations)), pots: newPots()}
}

// Run passes a request through the pipelines of its signal, and sets out. It does not block, and ends in a time that the
// limits of the pipelines bound. Without a pipeline for the signal the request goes to Service as it is, and is not looked
// into; with one, what has no item in it goes nowhere. The error wraps record.ErrMalformed; nothing goes anywhere then.
func (s *Set) Run(in Input, out *Output) error {
	*out = Output{Parts: out.Parts[:0], Fates: out.Fates[:0]}
	if len(s.bySignal[in.Signal]) == 0 {
		all := volume{in.Items, len(in.Payload)}
		s.received[in.Signal].add(all)
		s.unmatched[in.Signal].add(all)
		out.pass(&in)
		return nil
	}
	r := s.runs.Get().(*run)
	defer s.runs.Put(r)
	if err := r.batch.Parse(in.Signal, in.Payload); err != nil {
		return err
	}
	r.reset(in, out)
	var all volume
	for i := range r.batch.Items {
		all.add(r.batch.Items[i].Raw)
	}
	s.received[in.Signal].add(all)
	r.match()
	for _, p := range s.pipelines {
		if len(r.inbox[p.index]) > 0 {
			r.pass(p, r.inbox[p.index])
		}
	}
	r.finish()
	r.settle()
	return nil
}

func (r *run) reset(in Input, out *Output) {
	r.in, r.out = in, out
	r.fates = append(r.fates[:0], make([]ending, len(r.batch.Items))...)
	n := max(1, len(in.Requests))
	for i, p := range r.set.pipelines {
		r.budgets[i] = budget{steps: p.limits.steps * int64(n), timeout: p.limits.timeout * time.Duration(n)}
		r.inbox[i] = r.inbox[i][:0]
	}
	for i := range r.outbox {
		r.outbox[i] = r.outbox[i][:0]
	}
}

// match gives each item to the pipeline that takes it.
func (r *run) match() {
	for i, it := range r.batch.Items {
		e := entry{Item: it, at: int32(i)}
		r.bind(&e)
		r.take(&e)
	}
}

func (r *run) take(e *entry) {
	passed := false // by a pipeline that had no budget left to look at it
	for _, p := range r.set.bySignal[r.in.Signal] {
		r.budget = &r.budgets[p.index]
		holds, ok := true, r.pay(1)
		if ok && p.match != nil {
			holds, ok = r.holds(p.match)
		}
		switch {
		case !ok && p.stages[0].masked:
			p.taken.add(volumeOf(e.Raw))
			p.stages[0].in.add(volumeOf(e.Raw))
			p.stages[0].dropped.add(volumeOf(e.Raw))
			r.drop(e, Budget)
			return
		case !ok:
			passed = true
		case holds:
			e.first = p.index
			p.taken.add(volumeOf(e.Raw))
			r.inbox[p.index] = append(r.inbox[p.index], *e)
			return
		}
	}
	if passed {
		r.out.Overrun++
	}
	r.set.unmatched[r.in.Signal].add(volumeOf(e.Raw))
	r.deliver(0, *e)
}

// pass takes items through the stages of a pipeline.
func (r *run) pass(p *pipeline, items []entry) {
	for _, s := range p.stages {
		items = r.stage(s, items)
	}
	for i := range items {
		r.deliver(0, items[i])
	}
}

// stage takes items through one stage, and gives those that stay, in their memory.
func (r *run) stage(s *stage, items []entry) []entry {
	for level := range r.moved {
		clear(r.moved[level])
	}
	r.pots.reset()
	var in, next, dropped, joined, ran volume
	kept := items[:0]
	for i := range items {
		e := items[i]
		came := volumeOf(e.Raw)
		in.add(e.Raw)
		r.budget, r.place = &r.budgets[e.first], len(kept)
		what := over
		if r.pay(1) {
			what = s.op.do(r, &e)
		}
		switch {
		case what == stays:
			kept = append(kept, e)
		case what == drops:
			r.drop(&e, Filtered)
			dropped.plus(came)
		case what == joins:
			r.drop(&e, Joined)
			joined.plus(came)
		case what == over && s.masked:
			r.drop(&e, Budget)
			dropped.plus(came)
		case what == over:
			r.out.Overrun++
			ran.plus(came)
			r.deliver(0, items[i])
		}
	}
	if c, ok := s.op.(closer); ok {
		c.close(r, kept)
	}
	for i := range kept {
		next.add(kept[i].Raw)
	}
	s.in.add(in)
	s.next.add(next)
	s.dropped.add(dropped)
	s.joined.add(joined)
	s.over.add(ran)
	return kept
}

// deliver puts an item down for a destination.
func (r *run) deliver(destination int, e entry) {
	r.outbox[destination] = append(r.outbox[destination], e)
}

// enter leads an item into another pipeline.
func (r *run) enter(p *pipeline, e entry) {
	e.hops++
	if e.hops <= r.set.pipelines[e.first].limits.hops {
		r.inbox[p.index] = append(r.inbox[p.index], e)
		return
	}
	first := p.stages[0]
	first.in.add(volumeOf(e.Raw))
	if first.masked {
		r.drop(&e, Budget)
		first.dropped.add(volumeOf(e.Raw))
		return
	}
	r.out.Overrun++
	first.over.add(volumeOf(e.Raw))
	r.deliver(0, e)
}

// pay charges the item at hand. It is false when a bound is reached.
func (r *run) pay(steps int64) bool {
	b := r.budget
	// The clock is looked at once in 64 times: it costs more than most steps.
	if b.calls++; b.calls&63 == 1 && r.in.Elapsed != nil && r.in.Elapsed() > b.timeout {
		b.steps = 0
	}
	if b.steps < steps {
		b.steps = 0
		return false
	}
	b.steps -= steps
	return true
}

// bind makes an item what expressions are evaluated on.
func (r *run) bind(e *entry) { r.view.Bind(&r.batch, e.Item, r.in.Tenant) }

// holds evaluates a condition on what is bound. It is not ok when a bound is reached, also that of one expression: what
// is too expensive to decide is not decided.
func (r *run) holds(p *expr.Program) (holds, ok bool) {
	holds, steps, err := p.Holds(&r.view)
	return holds, r.judge(steps, err)
}

// judge charges an evaluation and counts its failure.
func (r *run) judge(steps int64, err error) (ok bool) {
	if err != nil {
		r.out.Failed++
	}
	return r.pay(steps) && !errors.Is(err, expr.ErrCost)
}
