package pipeline

import (
	"errors"
	"slices"
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
	// Elapsed tells how long the work on the request has taken; nil sets no bound.
	Elapsed func() time.Duration
}

// Reason is why an item was dropped.
type Reason uint8

// The reasons.
const (
	// Filtered is by a filter.
	Filtered Reason = iota
	// Budget is over a bound on the way to a mask.
	Budget

	reasons
)

// String is the name of the reason.
func (r Reason) String() string { return [...]string{"pipeline_filter", "pipeline_budget"}[r] }

// Output is what became of a request. The zero value is ready for Run, and so is one that was used.
type Output struct {
	// Parts are for one destination each, Service first.
	Parts []Part
	// Dropped are items that were dropped, by Reason.
	Dropped [reasons]int
	// Overrun are items that were over a bound and went on to Service.
	Overrun int
	// Failed are evaluations of expressions that failed on an item, as for an attribute that is absent.
	Failed int
}

// Part is what one destination gets.
type Part struct {
	Destination string
	// Payload is Input.Payload if all of it goes there and no stage edits, else memory of its own.
	Payload []byte
	Items   int
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
	moved   [3]map[int32]int32 // by level: groups that the stage under way edited, and what they became
	path    []byte             // of a walker
}

func newRun(s *Set) *run {
	n := len(s.pipelines)
	return &run{set: s, budgets: make([]budget, n), inbox: make([][]entry, n), outbox: make([][]entry, len(s.destinations))}
}

// Run passes a request through the pipelines of its signal, and sets out. It does not block, and ends in a time that the
// limits of the pipelines bound. Without a pipeline for the signal the request goes to Service as it is, and is not looked
// into; with one, what has no item in it goes nowhere. The error wraps record.ErrMalformed; nothing goes anywhere then.
func (s *Set) Run(in Input, out *Output) error {
	*out = Output{Parts: out.Parts[:0]}
	if len(s.bySignal[in.Signal]) == 0 {
		s.received[in.Signal].Add(uint64(in.Items))
		s.unmatched[in.Signal].Add(uint64(in.Items))
		out.Parts = append(out.Parts, Part{Destination: Service, Payload: in.Payload, Items: in.Items})
		return nil
	}
	r := s.runs.Get().(*run)
	defer s.runs.Put(r)
	if err := r.batch.Parse(in.Signal, in.Payload); err != nil {
		return err
	}
	s.received[in.Signal].Add(uint64(len(r.batch.Items)))
	r.reset(in, out)
	r.match()
	for _, p := range s.pipelines {
		if len(r.inbox[p.index]) > 0 {
			r.pass(p, r.inbox[p.index])
		}
	}
	r.finish()
	return nil
}

func (r *run) reset(in Input, out *Output) {
	r.in, r.out = in, out
	for i, p := range r.set.pipelines {
		r.budgets[i] = budget{steps: p.limits.steps, timeout: p.limits.timeout}
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
			r.out.Dropped[Budget]++
			p.taken.Add(1)
			p.stages[0].in.Add(1)
			p.stages[0].dropped.Add(1)
			return
		case !ok:
			passed = true
		case holds:
			e.first = p.index
			p.taken.Add(1)
			r.inbox[p.index] = append(r.inbox[p.index], *e)
			return
		}
	}
	if passed {
		r.out.Overrun++
	}
	r.set.unmatched[r.in.Signal].Add(1)
	r.deliver(0, *e)
}

// pass takes items through the stages of a pipeline.
func (r *run) pass(p *pipeline, items []entry) {
	for _, s := range p.stages {
		for level := range r.moved {
			clear(r.moved[level])
		}
		came := len(items)
		kept := items[:0]
		var dropped, ran int
		for i := range items {
			e := items[i]
			r.budget = &r.budgets[e.first]
			what := over
			if r.pay(1) {
				what = s.op.do(r, &e)
			}
			switch {
			case what == stays:
				kept = append(kept, e)
			case what == drops:
				r.out.Dropped[Filtered]++
				dropped++
			case what == over && s.masked:
				r.out.Dropped[Budget]++
				dropped++
			case what == over:
				r.out.Overrun++
				ran++
				r.deliver(0, items[i])
			}
		}
		items = kept
		s.in.Add(uint64(came))
		s.next.Add(uint64(len(items)))
		s.dropped.Add(uint64(dropped))
		s.over.Add(uint64(ran))
	}
	for i := range items {
		r.deliver(0, items[i])
	}
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
	first.in.Add(1)
	if first.masked {
		r.out.Dropped[Budget]++
		first.dropped.Add(1)
		return
	}
	r.out.Overrun++
	first.over.Add(1)
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

// finish writes what each destination gets.
func (r *run) finish() {
	for d, entries := range r.outbox {
		if len(entries) == 0 {
			continue
		}
		slices.SortStableFunc(entries, func(a, b entry) int { return int(a.at) - int(b.at) })
		part := Part{Destination: r.set.destinations[d], Payload: r.in.Payload, Items: len(entries)}
		if !r.untouched(entries) {
			r.items = r.items[:0]
			for i := range entries {
				r.items = append(r.items, entries[i].Item)
			}
			part.Payload = r.batch.Append(make([]byte, 0, r.batch.Size(r.items)), r.items)
		}
		r.out.Parts = append(r.out.Parts, part)
	}
}

// untouched tells whether entries are the request as it came.
func (r *run) untouched(entries []entry) bool {
	if len(entries) != len(r.batch.Items) {
		return false
	}
	for i := range entries {
		if entries[i].edited || int(entries[i].at) != i {
			return false
		}
	}
	return true
}
