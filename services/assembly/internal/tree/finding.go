package tree

import (
	"cmp"
	"slices"
)

// FindingKind names what is wrong with a trace.
type FindingKind uint8

// The kinds of fault.
const (
	// Orphan: the parent never came.
	Orphan FindingKind = iota + 1
	// SeveralRoots: a root besides the first.
	SeveralRoots
	// Cycle: the span is its own ancestor. Other is the member at which the cycle was cut, Size counts the members.
	Cycle
	// StartsBeforeParent: Other is the parent.
	StartsBeforeParent
	// NegativeDuration: the span ends before it starts.
	NegativeDuration
	// NoEnd: the span has a start and no end.
	NoEnd
	// NoStart: the span has no start.
	NoStart
)

// Finding is a fault of the structure.
type Finding struct {
	Kind FindingKind
	// Span that has the fault.
	Span int32
	// Other span in it, for some kinds.
	Other int32
	// Size of a cycle.
	Size int
}

// judge notes what is wrong with the links, and sorts what was found.
func (b *Builder) judge() {
	t := &b.tree
	for i := range t.Spans {
		s, at := &t.Spans[i], int32(i)
		switch p := t.Parent[i]; {
		case p != None && t.Timed(at) && t.Timed(p) && s.Start < t.Spans[p].Start:
			t.Findings = append(t.Findings, Finding{Kind: StartsBeforeParent, Span: at, Other: p})
		case p == None && !s.Parent.IsZero() && b.colour[i] != severed:
			t.Findings = append(t.Findings, Finding{Kind: Orphan, Span: at, Other: None})
		}
	}
	for _, r := range t.Roots[min(1, len(t.Roots)):] {
		t.Findings = append(t.Findings, Finding{Kind: SeveralRoots, Span: r, Other: t.Roots[0]})
	}
	slices.SortStableFunc(t.Findings, func(x, y Finding) int {
		return cmp.Or(b.compare(x.Span, y.Span), cmp.Compare(x.Kind, y.Kind))
	})
}

// clockFault gives the fault of a span's own times, 0 for none.
func clockFault(s *Span) FindingKind {
	switch {
	case s.Start == 0:
		return NoStart
	case s.End == 0:
		return NoEnd
	case s.End < s.Start:
		return NegativeDuration
	}
	return 0
}
