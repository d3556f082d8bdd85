package tree

import (
	"cmp"
	"slices"

	"github.com/triflow/triflow/pkg/id"
)

// withID gives the spans of an id.
func (b *Builder) withID(want id.Span) []keyed {
	key := number(want)
	from, found := slices.BinarySearchFunc(b.byID, key, func(k keyed, key uint64) int { return cmp.Compare(k.key, key) })
	if !found {
		return nil
	}
	to := from + 1
	for to < len(b.byID) && b.byID[to].key == key {
		to++
	}
	return b.byID[from:to]
}

// parent resolves the parent of i: None for none or a missing one, i itself for a span that names itself.
func (b *Builder) parent(i int32) int32 {
	s := &b.tree.Spans[i]
	if s.Kind.Receives() {
		if twin := b.caller(i); twin != None {
			return twin
		}
	}
	switch s.Parent {
	case id.Span{}:
		return None
	case s.ID:
		return i
	}
	best, rank := None, -1
	for _, k := range b.withID(s.Parent) {
		p, r := &b.tree.Spans[k.span], 0
		if p.Kind.Receives() {
			r = 1
		}
		if p.Service == s.Service {
			r += 2
		}
		if r > rank {
			best, rank = k.span, r
		}
	}
	return best
}

// caller gives the span that shares its id with i and sends; None if nothing does.
func (b *Builder) caller(i int32) int32 {
	for _, k := range b.withID(b.tree.Spans[i].ID) {
		if b.tree.Spans[k.span].Kind.Sends() {
			return k.span
		}
	}
	return None
}
