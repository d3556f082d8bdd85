// Package tree finds the structure of a trace: who called whom, what is missing, and whose time was spent where.
//
// Spans come from many machines, in any order, with clocks that differ and parents that never arrive. Build accepts
// all of it and gives a forest in which every span is exactly once, the same for every order of arrival:
//
//   - A span without a parent id is a root. A span whose parent is not there is an orphan. Both are tops.
//   - A span that is its own ancestor is in a cycle. The cycle is cut at its member with the earliest start, then the
//     lowest id; that member becomes a top. A span without any time starts last.
//   - A client and a server span may share one id, as Zipkin does it. The server span is then the client span's
//     child; other children belong to the one of their own service, else to the server span. A span that names its own
//     id otherwise is its own parent, a cycle of one.
//   - A span that ends before it starts has no duration. A span without any time takes no part in bounds or paths.
//
// What is told apart is a span's id, kind and service. Of spans that agree in all three, which a caller should have taken
// for copies, all are in the forest and the earliest is found as a parent.
//
// Build is O(n log n), does not recurse and, in steady state, does not allocate.
package tree

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/triflow/triflow/pkg/id"
)

// Kind is the kind of a span as OTLP numbers it.
type Kind uint8

// The kinds.
const (
	Internal Kind = 1
	Server   Kind = 2
	Client   Kind = 3
	Producer Kind = 4
	Consumer Kind = 5
)

// Receives tells that a span of this kind handles a request of somebody else.
func (k Kind) Receives() bool { return k == Server || k == Consumer }

// Sends tells that a span of this kind waits for, or leaves work to, somebody else.
func (k Kind) Sends() bool { return k == Client || k == Producer }

// Span is what the structure needs to know of a span.
type Span struct {
	ID, Parent id.Span
	// Start and End in Unix nanoseconds, as sent; 0: not given.
	Start, End uint64
	// Service is the caller's number for the service; it is only compared.
	Service int32
	Kind    Kind
	// Error tells that the status is an error.
	Error bool
}

// None stands for "no span" where an index of one is expected.
const None int32 = -1

// Tree is the structure of one trace. Every int32 is an index into Spans. It is valid until its Builder builds again.
type Tree struct {
	// Spans as given, except that End is at least Start, and that a missing Start is the End.
	Spans []Span
	// Order lists all spans by start, then id, then kind.
	Order []int32
	// Parent of each span, or None for a top.
	Parent []int32
	// Roots are the spans without a parent id, in order. Tops are roots, orphans and cuts, in order.
	Roots, Tops []int32
	// Cycles that were cut, by the span at which. Each has that span first, then its child in the cycle, and so on to its
	// parent.
	Cycles [][]int32
	// Findings in order of span.
	Findings []Finding
	// Start and End bound all spans that have a time; both 0 without one.
	Start, End uint64

	first  []int32 // first[i]:first[i+1] bounds the children of i in child
	child  []int32
	member []int32 // of Cycles
}

// Children of i, by start, then id.
func (t *Tree) Children(i int32) []int32 { return t.child[t.first[i]:t.first[i+1]] }

// Timed tells that the span has a time at all.
func (t *Tree) Timed(i int32) bool { return t.Spans[i].Start != 0 }

// Duration of i in nanoseconds; never negative.
func (t *Tree) Duration(i int32) uint64 { return t.Spans[i].End - t.Spans[i].Start }

// Builder builds trees in memory that it uses again. The zero value is ready; it serves one goroutine.
type Builder struct {
	tree    Tree
	byID    []keyed
	byStart []keyed
	colour  []uint8
	fill    []int32
}

// keyed is a span with what it is sorted by first, so that a sort looks at the span only where that is equal.
type keyed struct {
	key  uint64
	span int32
}

// Build gives the structure of spans, which it does not keep.
func (b *Builder) Build(spans []Span) *Tree {
	t := &b.tree
	*t = Tree{
		Spans: append(t.Spans[:0], spans...), Order: t.Order[:0], Parent: t.Parent[:0],
		Roots: t.Roots[:0], Tops: t.Tops[:0], Cycles: t.Cycles[:0], Findings: t.Findings[:0],
		first: t.first[:0], child: t.child[:0], member: t.member[:0],
	}
	b.clock()
	b.sort()
	for i := range t.Spans {
		t.Parent = append(t.Parent, b.parent(int32(i)))
	}
	b.cut()
	b.link()
	b.judge()
	return t
}

// clock mends the times and finds the bounds.
func (b *Builder) clock() {
	t := &b.tree
	for i := range t.Spans {
		s := &t.Spans[i]
		if fault := clockFault(s); fault != 0 {
			t.Findings = append(t.Findings, Finding{Kind: fault, Span: int32(i), Other: None})
		}
		if s.Start == 0 {
			s.Start = s.End
		}
		s.End = max(s.End, s.Start)
		if s.Start == 0 {
			continue
		}
		if t.Start == 0 || s.Start < t.Start {
			t.Start = s.Start
		}
		t.End = max(t.End, s.End)
	}
}

// sort makes the two orders: by start for reading, by id for finding.
func (b *Builder) sort() {
	t := &b.tree
	b.byID, b.byStart = b.byID[:0], b.byStart[:0]
	for i := range t.Spans {
		s := &t.Spans[i]
		b.byID = append(b.byID, keyed{number(s.ID), int32(i)})
		b.byStart = append(b.byStart, keyed{s.started(), int32(i)})
	}
	slices.SortFunc(b.byID, b.compareKeyed)
	slices.SortFunc(b.byStart, b.compareKeyed)
	for _, k := range b.byStart {
		t.Order = append(t.Order, k.span)
	}
}

func (b *Builder) compareKeyed(x, y keyed) int {
	if c := cmp.Compare(x.key, y.key); c != 0 {
		return c
	}
	return b.compareID(x.span, y.span)
}

// compare is the order of Order: by start, those without a time last, then by id. It depends on nothing but the spans.
func (b *Builder) compare(x, y int32) int {
	return b.compareKeyed(keyed{b.tree.Spans[x].started(), x}, keyed{b.tree.Spans[y].started(), y})
}

// started gives the start as a number to sort by: 0, which is none, wraps around to the latest of all.
func (s *Span) started() uint64 { return s.Start - 1 }

// number gives an id as a number that sorts as it does.
func number(s id.Span) uint64 { return binary.BigEndian.Uint64(s[:]) }

func (b *Builder) compareID(x, y int32) int {
	p, q := &b.tree.Spans[x], &b.tree.Spans[y]
	if c := cmp.Compare(number(p.ID), number(q.ID)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Service, q.Service), cmp.Compare(p.Start, q.Start),
		cmp.Compare(p.End, q.End), cmp.Compare(number(p.Parent), number(q.Parent)))
}

// link makes the lists of children, roots and tops.
func (b *Builder) link() {
	t := &b.tree
	n := len(t.Spans)
	t.first = append(t.first, make([]int32, n+1)...)
	for _, p := range t.Parent {
		if p != None {
			t.first[p+1]++
		}
	}
	for i := range n {
		t.first[i+1] += t.first[i]
	}
	b.fill = append(b.fill[:0], t.first[:n]...)
	t.child = append(t.child, make([]int32, t.first[n])...)
	for _, i := range t.Order {
		p := t.Parent[i]
		if p != None {
			t.child[b.fill[p]] = i
			b.fill[p]++
			continue
		}
		t.Tops = append(t.Tops, i)
		if t.Spans[i].Parent.IsZero() && b.colour[i] != severed {
			t.Roots = append(t.Roots, i)
		}
	}
}
