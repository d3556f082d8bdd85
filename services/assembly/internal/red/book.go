// Package red counts requests, errors and durations by service, operation and edge, before anything is sampled.
//
// A request counts in the step of time in which it ended. The latest steps are kept fine, for series and short
// windows, and an hour of coarse ones for longer windows:
//
//	fine     Step  × 36   (3 min at 5 s)   windows up to two thirds of that
//	coarse   1 min × 61                    longer windows, to the full minute
//
// Bounds. There are at most Limits.Services services, Limits.Operations operations in each and Limits.Edges edges;
// what comes beyond is counted under Other, and counted as overflow. What ended more than an hour ago or more than Ahead
// in the future is for the caller to refuse (InRange). A key that has been silent for an hour is forgotten.
//
// A Book is not safe for concurrent use, and reads no clock: the caller gives the time.
package red

import (
	"time"
)

// Other stands for everything beyond a limit.
const Other = "other"

// Ahead is how far in the future a span may end, for clocks that differ.
const Ahead = 10 * time.Second

const (
	fineSteps   = 36
	coarseSteps = 61
	coarseStep  = time.Minute
	// Retention is how long a silent key is remembered, and the longest window.
	Retention = time.Hour
)

// Limits bound what a Book holds.
type Limits struct {
	// Step is the width of the fine steps, at least 1 s.
	Step time.Duration
	// Services, Edges and Operations of a service, at least 1 each.
	Services, Operations, Edges int
}

// Kind tells how a service is known.
type Kind uint8

// The kinds, in the order of what is known better.
const (
	External Kind = iota + 1
	Queue
	Database
	Service
)

// Edge names a pair of services.
type Edge struct{ Client, Server string }

// Book holds the counts.
type Book struct {
	limits   Limits
	services map[string]*Node
	edges    map[Edge]*window
	overflow uint64
}

// Node is a service, or a dependency that sends no spans itself.
type Node struct {
	name       string
	kind       Kind
	own        window
	operations map[string]*window
}

// Request is one request that ended.
type Request struct {
	// End in Unix ns, and Duration in ns.
	End, Duration uint64
	Error         bool
	// Asynchronous: nobody waited for it.
	Asynchronous bool
}

// Work is what a request turns out to have been when its trace is seen as a whole.
type Work struct {
	// End of the request in Unix ns, and what its service spent itself in ns.
	End, Self uint64
	// OwnError: it failed though nothing it called did. Root: it started the trace.
	OwnError, Root bool
}

// New gives an empty book.
func New(l Limits) *Book {
	return &Book{limits: l, services: make(map[string]*Node), edges: make(map[Edge]*window)}
}

// Overflow counts what was counted under Other.
func (b *Book) Overflow() uint64 { return b.overflow }

// InRange tells whether a span that ended at the given Unix ns can be counted now.
func InRange(end uint64, now time.Time) bool {
	return end > uint64(now.Add(-Retention).UnixNano()) && end <= uint64(now.Add(Ahead).UnixNano())
}

// Node gives the node of a name, made if need be, and notes that it is known as k. It stays valid until the next Forget.
func (b *Book) Node(name string, k Kind) *Node {
	n, ok := b.services[name]
	if !ok {
		if len(b.services) >= b.limits.Services && name != Other {
			b.overflow++
			return b.Node(Other, k)
		}
		n = &Node{name: name, operations: make(map[string]*window)}
		b.services[name] = n
	}
	n.kind = max(n.kind, k)
	return n
}

// See notes that a node had a span that ended at the given Unix ns.
func (n *Node) See(end uint64) { n.own.last = max(n.own.last, end) }

// Request counts a request of a node and of one of its operations, which is not kept.
func (b *Book) Request(n *Node, operation []byte, r Request) {
	w, ok := n.operations[string(operation)]
	if !ok {
		name := string(operation)
		if len(n.operations) >= b.limits.Operations {
			b.overflow++
			name = Other
		}
		if w = n.operations[name]; w == nil {
			w = new(window)
			n.operations[name] = w
		}
	}
	b.count(w, r)
	b.count(&n.own, r)
}

// Call counts a call over an edge. A server of a kind other than Service is known by its callers only, and the call
// counts as its request too.
func (b *Book) Call(e Edge, server Kind, r Request) {
	n := b.Node(e.Server, server)
	e = Edge{b.Node(e.Client, 0).name, n.name}
	if n.kind != Service {
		b.count(&n.own, r)
	}
	w, ok := b.edges[e]
	if !ok {
		if len(b.edges) >= b.limits.Edges {
			b.overflow++
			e = Edge{Other, Other}
		}
		if w = b.edges[e]; w == nil {
			w = new(window)
			b.edges[e] = w
		}
	}
	b.count(w, r)
}

// Work counts what a request turned out to be.
func (b *Book) Work(n *Node, k Work) {
	b.each(&n.own, k.End, func(f *Figures) {
		f.Done++
		f.Self.Add(k.Self)
		f.OwnErrors += one(k.OwnError)
		f.Roots += one(k.Root)
	})
}

func (b *Book) count(w *window, r Request) {
	b.each(w, r.End, func(f *Figures) {
		f.Requests++
		f.Errors += one(r.Error)
		f.Asynchronous += one(r.Asynchronous)
		f.Duration.Add(r.Duration)
	})
}

// each calls add for the fine and the coarse step of a time.
func (b *Book) each(w *window, end uint64, add func(*Figures)) {
	w.last = max(w.last, end)
	if s := w.fine.at(int64(end)/int64(b.limits.Step), fineSteps); s != nil {
		add(&s.Figures)
	}
	if s := w.coarse.at(int64(end)/int64(coarseStep), coarseSteps); s != nil {
		add(&s.Figures)
	}
}

// Forget drops what has been silent for an hour.
func (b *Book) Forget(now time.Time) {
	before := uint64(now.Add(-Retention).UnixNano())
	for name, n := range b.services {
		for op, w := range n.operations {
			if w.last < before {
				delete(n.operations, op)
			}
		}
		if n.own.last < before {
			delete(b.services, name)
		}
	}
	for e, w := range b.edges {
		if w.last < before {
			delete(b.edges, e)
		}
	}
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
