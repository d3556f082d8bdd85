package otlp

import (
	"iter"
	"math"
	"slices"
	"unicode/utf8"
)

// Range is a piece of the bytes that were scanned. The zero Range is a field that was absent.
type Range struct{ Off, Len uint32 }

// Group is a ResourceSpans, a ScopeSpans, or what they are called for other signals.
type Group struct {
	// Parent is the index of the resource that a scope belongs to.
	Parent int32
	// Self is the Resource or InstrumentationScope message.
	Self Range
	// Schema is the URL of the schema.
	Schema Range

	frame frame
}

// Groups are the resources and scopes of a request: what the views of all signals have in common.
type Groups struct {
	// Bytes is what was scanned.
	Bytes []byte
	// Resources and Scopes are in the order of the request.
	Resources, Scopes []Group

	root  frame
	level Level
}

// UnknownService stands for a service that does not say its name.
const UnknownService = "unknown_service"

// Clone gives a copy that stays as it is when the view is used for another request. It shares Bytes.
func (g *Groups) Clone() Groups {
	c := *g
	c.Resources, c.Scopes = slices.Clone(g.Resources), slices.Clone(g.Scopes)
	return c
}

// BytesOf gives the bytes of r: nil when the field was absent, not nil when it was there and empty. They are part of
// g.Bytes.
func (g *Groups) BytesOf(r Range) []byte {
	if r == (Range{}) {
		return nil
	}
	return g.Bytes[r.Off : r.Off+r.Len : r.Off+r.Len]
}

// Text gives the bytes of r as a string of their own.
func (g *Groups) Text(r Range) string { return string(g.BytesOf(r)) }

// Service gives the service.name of a resource, as a string of its own, or UnknownService.
func (g *Groups) Service(resource int32) string {
	if v, ok := g.ResourceAttr(resource, "service.name"); ok {
		if s := v.Text(); s != "" {
			return s
		}
	}
	return UnknownService
}

// ResourceAttr finds an attribute of a resource.
func (g *Groups) ResourceAttr(resource int32, key string) (Value, bool) {
	return findAttr(g.Bytes, g.Resources[resource].Self, 1, key)
}

// ResourceAttrs yields the attributes of a resource; the keys are part of g.Bytes.
func (g *Groups) ResourceAttrs(resource int32) iter.Seq2[[]byte, Value] {
	return attrs(g.Bytes, g.Resources[resource].Self, 1)
}

// ScopeName gives the name of a scope, as a string of its own.
func (g *Groups) ScopeName(scope int32) string {
	name := Range{}
	for c := over(g.Bytes, g.Scopes[scope].Self); c.next(); {
		if c.num == 1 && c.typ == wireBytes {
			name = c.at()
		}
	}
	return g.Text(name)
}

// items is the view that Groups is part of.
type items interface {
	// add views what lies at rng: an item of a scope, or a metric.
	add(scope int32, rng Range) (at int, bad reason)
	// count tells how many items there are so far.
	count() int
	// blame gives all items from an index on a fault of what is around them.
	blame(from int, f Fault)
}

// scan makes g a view of b, an export request whose outermost message is root, and gives v what is in the scopes.
func (g *Groups) scan(root messageID, b []byte, level Level, v items) error {
	*g = Groups{Bytes: b, Resources: g.Resources[:0], Scopes: g.Scopes[:0], level: level}
	if len(b) > math.MaxInt32 {
		return malformed(b, root, 0, tooBig)
	}
	g.root = frameOf(root, Range{Len: uint32(len(b))})
	c := cursor{b: b, end: len(b)}
	for c.next() {
		if c.num != 1 || c.typ != wireBytes {
			continue
		}
		g.root.hold(&c)
		if at, bad := g.group(schema[root].fields[1].of, 0, c.at(), v); bad != framed {
			return malformed(b, root, at, bad)
		}
	}
	if c.bad != framed {
		return malformed(b, root, c.start, c.bad)
	}
	return nil
}

// group views a resource or a scope with what is in it: the fields of both have the same numbers, in all signals.
func (g *Groups) group(id messageID, parent int32, rng Range, v items) (int, reason) {
	list := &g.Scopes
	if schema[id].role == source {
		list = &g.Resources
	}
	index, from, fault := int32(len(*list)), v.count(), Fault(0)
	*list = append(*list, Group{})
	found := Group{Parent: parent, frame: frameOf(id, rng)}
	c := over(g.Bytes, rng)
	for c.next() {
		if c.typ != wireBytes {
			continue
		}
		at, bad := c.start, framed
		switch c.num {
		case 1:
			if found.Self != (Range{}) {
				return c.start, givenTwice
			}
			found.Self = c.at()
			if g.level == LevelAll {
				var f Fault
				f, at, bad = judge(g.Bytes, schema[id].fields[1].of, c.at())
				fault = worse(fault, f)
			}
		case 2:
			found.frame.hold(&c)
			if list == &g.Resources {
				at, bad = g.group(schema[id].fields[2].of, index, c.at(), v)
			} else {
				at, bad = v.add(index, c.at())
			}
		case 3:
			found.Schema = c.at()
			if g.level == LevelAll && !utf8.Valid(c.value()) {
				fault = worse(fault, FaultUTF8)
			}
		}
		if bad != framed {
			return at, bad
		}
	}
	(*list)[index] = found
	if fault != 0 {
		v.blame(from, fault)
	}
	return c.start, c.bad
}

// worse gives the fault that counts of an old one and a new one: any before none, and any before texts, which can be
// mended.
func worse(old, f Fault) Fault {
	if f == 0 || f == FaultUTF8 && old != 0 {
		return old
	}
	return f
}
