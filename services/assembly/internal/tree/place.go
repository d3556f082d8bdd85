package tree

import (
	"bytes"
	"slices"

	"github.com/triflow/triflow/pkg/id"
)

// Place is how a span stands in the forest.
type Place uint8

// The places. All but Child are tops.
const (
	// Child: its parent is there, and it hangs under it.
	Child Place = iota + 1
	// Root: it names no parent.
	Root
	// Lost: it names a parent that never came. It has a finding, Orphan.
	Lost
	// Cut: its parent is there and is a descendant of it.
	Cut
)

// Places gives the place of every span.
func (t *Tree) Places() []Place {
	places := make([]Place, len(t.Spans))
	for i := range t.Spans {
		switch {
		case t.Parent[i] != None:
			places[i] = Child
		case t.Spans[i].Parent.IsZero():
			places[i] = Root
		default:
			places[i] = Lost
		}
	}
	for _, c := range t.Cycles {
		places[c[0]] = Cut
	}
	return places
}

// Missing gives the ids of the parents that spans name and that never came, sorted.
func (t *Tree) Missing() []id.Span {
	var ids []id.Span
	for _, f := range t.Findings {
		if f.Kind == Orphan {
			ids = append(ids, t.Spans[f.Span].Parent)
		}
	}
	slices.SortFunc(ids, func(a, b id.Span) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
