package red

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Span of time that a reading covers.
type Span struct {
	now    time.Time
	length time.Duration
}

// Last is the window of the given length, up to Retention, that ends now.
func Last(length time.Duration, now time.Time) Span { return Span{now: now, length: length} }

// Seconds of the window.
func (s Span) Seconds() float64 { return s.length.Seconds() }

// NodeFigures is a reading of one node.
type NodeFigures struct {
	Name string
	Kind Kind
	// Last is the latest end of a span, Unix ns.
	Last uint64
	Figures
}

// OperationFigures is a reading of one operation.
type OperationFigures struct {
	Name string
	Figures
}

// EdgeFigures is a reading of one edge.
type EdgeFigures struct {
	Edge
	Figures
}

// Nodes reads all nodes, by name.
func (b *Book) Nodes(s Span) []NodeFigures {
	all := make([]NodeFigures, 0, len(b.services))
	for _, name := range slices.Sorted(maps.Keys(b.services)) {
		n := b.services[name]
		all = append(all, NodeFigures{Name: name, Kind: max(n.kind, External), Last: n.own.last, Figures: b.over(&n.own, s)})
	}
	return all
}

// Operations reads the operations of a node, busiest first; nil if there is no such node.
func (b *Book) Operations(service string, s Span) []OperationFigures {
	n := b.services[service]
	if n == nil {
		return nil
	}
	all := make([]OperationFigures, 0, len(n.operations))
	for name, w := range n.operations {
		all = append(all, OperationFigures{Name: name, Figures: b.over(w, s)})
	}
	slices.SortFunc(all, func(x, y OperationFigures) int {
		return cmp.Or(cmp.Compare(y.Requests, x.Requests), cmp.Compare(x.Name, y.Name))
	})
	return all
}

// Edges reads all edges, by client, then server.
func (b *Book) Edges(s Span) []EdgeFigures {
	all := make([]EdgeFigures, 0, len(b.edges))
	for e, w := range b.edges {
		all = append(all, EdgeFigures{Edge: e, Figures: b.over(w, s)})
	}
	slices.SortFunc(all, func(x, y EdgeFigures) int {
		return cmp.Or(cmp.Compare(x.Client, y.Client), cmp.Compare(x.Server, y.Server))
	})
	return all
}

// over adds up the steps that end after the window begins.
func (b *Book) over(w *window, s Span) Figures {
	var f Figures
	step, r := b.limits.Step, &w.fine
	if s.length > b.limits.Step*fineSteps*2/3 {
		step, r = coarseStep, &w.coarse
	}
	from := s.now.Add(-s.length).UnixNano() / int64(step)
	if s.now.Add(-s.length).UnixNano()%int64(step) > 0 {
		from++
	}
	r.sum(&f, from, s.now.Add(Ahead).UnixNano()/int64(step))
	return f
}

// Step is a finished fine step.
type Step struct {
	// End of the step, and its length.
	End    time.Time
	Length time.Duration
	// Nodes and Edges known at all, by name, each with its figures of the step alone; all zero for a silent one.
	Nodes []NodeFigures
	Edges []EdgeFigures
}

// Step reads the fine step that ends at the given time, a multiple of Limits.Step.
func (b *Book) Step(end time.Time) Step {
	number := end.UnixNano()/int64(b.limits.Step) - 1
	step := Step{End: end, Length: b.limits.Step}
	for _, name := range slices.Sorted(maps.Keys(b.services)) {
		n := b.services[name]
		f := NodeFigures{Name: name, Kind: max(n.kind, External), Last: n.own.last}
		n.own.fine.sum(&f.Figures, number, number)
		step.Nodes = append(step.Nodes, f)
	}
	for e, w := range b.edges {
		f := EdgeFigures{Edge: e}
		w.fine.sum(&f.Figures, number, number)
		step.Edges = append(step.Edges, f)
	}
	slices.SortFunc(step.Edges, func(x, y EdgeFigures) int {
		return cmp.Or(cmp.Compare(x.Client, y.Client), cmp.Compare(x.Server, y.Server))
	})
	return step
}
