package tree

import "slices"

const (
	white   = iota // not reached
	grey           // on the way up from where we are
	black          // leads to a top
	severed        // is a top because a cycle was cut there
)

// cut finds the cycles of the parent links and opens each at its first member in Order.
func (b *Builder) cut() {
	t := &b.tree
	b.colour = append(b.colour[:0], make([]uint8, len(t.Spans))...)
	for _, from := range t.Order {
		at := from
		for at != None && b.colour[at] == white {
			b.colour[at] = grey
			at = t.Parent[at]
		}
		if at != None && b.colour[at] == grey {
			b.open(at)
		}
		for i := from; i != None && b.colour[i] == grey; i = t.Parent[i] {
			b.colour[i] = black
		}
	}
	slices.SortFunc(t.Cycles, func(x, y []int32) int { return b.compare(x[0], y[0]) })
}

// open cuts the cycle that at is on, and notes its members.
func (b *Builder) open(at int32) {
	t := &b.tree
	first := at
	for i := t.Parent[at]; i != at; i = t.Parent[i] {
		if b.compare(i, first) < 0 {
			first = i
		}
	}
	from := len(t.member)
	for i := t.Parent[first]; ; i = t.Parent[i] {
		t.member = append(t.member, i)
		b.colour[i] = black
		if i == first {
			break
		}
	}
	cycle := t.member[from:len(t.member):len(t.member)]
	slices.Reverse(cycle)
	t.Parent[first], b.colour[first] = None, severed
	t.Cycles = append(t.Cycles, cycle)
	for _, i := range cycle {
		t.Findings = append(t.Findings, Finding{Kind: Cycle, Span: i, Other: first, Size: len(cycle)})
	}
}
