package otlp

import (
	"bytes"
	"fmt"
	"math"
)

// Join gives one request with all that is in several of one signal, in their order. It says the same as all of them sent
// one after another: nothing is left out, groups without items neither, and neighbours whose resources, scopes and
// metrics say the same come under one. Only the framing down to the items is looked at; the error wraps a *Malformed.
func Join(s Signal, requests ...[]byte) ([]byte, error) {
	size := 0
	for _, b := range requests {
		size += len(b)
	}
	w := Writer{out: make([]byte, 0, size)}
	for i, b := range requests {
		c := carrier{b: b, to: &w}
		if err := c.carry(s); err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
	}
	return w.Bytes(), nil
}

// Bounds is what a request may have at most. A zero is no bound.
type Bounds struct{ Items, Bytes int }

// Part is a request that was cut out of a larger one.
type Part struct {
	Bytes []byte
	Items int
}

// Split gives a request in parts within bounds, each with the resources, scopes and metrics of its items; Join makes
// one of them again. What is around items is written once a part: bounds that are small beside it cost that much more
// memory. One item that is larger than most.Bytes with what is around it is a part of its own. A request within bounds
// is given as it is. The error is a *Malformed.
func Split(s Signal, b []byte, most Bounds) ([]Part, error) {
	count := carrier{b: b}
	if err := count.carry(s); err != nil {
		return nil, err
	}
	if (most.Items <= 0 || count.items <= most.Items) && (most.Bytes <= 0 || len(b) <= most.Bytes) {
		return []Part{{b, count.items}}, nil
	}
	c := carrier{b: b, to: new(Writer), most: most}
	if err := c.carry(s); err != nil {
		return nil, err
	}
	c.cut()
	return c.parts, nil
}

// carrier walks a request down to its items and puts all of it into a writer.
type carrier struct {
	b     []byte
	to    *Writer // nil to count only
	most  Bounds  // of a part; zero for all in one
	parts []Part
	root  frame
	path  []under // to where the walk is
	items int     // in the writer, or counted
	begun bool    // something is in the writer
	there bool    // the groups of path are open in it
}

func (c *carrier) carry(s Signal) error {
	root := s.root()
	if len(c.b) > math.MaxInt32 {
		return malformed(c.b, root, 0, tooBig)
	}
	all := Range{Len: uint32(len(c.b))}
	at, bad := c.frame(root, all, &c.root)
	if bad == framed {
		at, bad = c.inside(&c.root)
	}
	if bad != framed {
		return malformed(c.b, root, at, bad)
	}
	return nil
}

// frame finds out what the message at rng says beside what is in it.
func (c *carrier) frame(id messageID, rng Range, f *frame) (int, reason) {
	*f = frameOf(id, rng)
	field := over(c.b, rng)
	for field.next() {
		if !id.leads(&field) {
			continue
		}
		f.hold(&field)
		if id == metric {
			if f.kind != MetricNone {
				return field.start, f.kind.again(field.num)
			}
			f.kind = MetricKind(field.num)
		}
	}
	return field.start, field.bad
}

// inside carries what is in the group with a frame, or the group alone if there is nothing in it.
func (c *carrier) inside(f *frame) (int, reason) {
	if f.empty() {
		c.put(nil)
	}
	field := over(c.b, f.all)
	for field.next() {
		switch {
		case !f.id.leads(&field):
		case schema[schema[f.id].fields[field.num].of].role == item:
			c.put(&field)
		default:
			g := under{num: field.num}
			at, bad := c.frame(schema[f.id].fields[field.num].of, field.at(), &g.frame)
			if bad != framed {
				return at, bad
			}
			c.path, c.there = append(c.path, g), false
			if at, bad = c.inside(&g.frame); bad != framed {
				return at, bad
			}
			c.path, c.there = c.path[:len(c.path)-1], false
		}
	}
	return 0, framed
}

// put writes the field of an item, or none, where the walk is; into the next part if this one is full.
func (c *carrier) put(field *cursor) {
	var b []byte
	items := 0
	if field != nil {
		b, items = c.b[field.start:field.pos], 1
	}
	if c.to == nil {
		c.items += items
		return
	}
	if field == nil && c.begun && c.to.shared(c.b, c.path) == len(c.path) {
		c.to.say(c.b, &c.root) // a group that has nothing in it is there as one that is open and has
		return
	}
	if c.begun && (c.most.Items > 0 && c.items+items > c.most.Items ||
		c.most.Bytes > 0 && c.to.sizeWith(c.b, &c.root, c.path, len(b)) > c.most.Bytes) {
		c.cut()
	}
	if !c.there {
		c.to.enter(c.b, &c.root, c.path)
		c.there = true
	}
	c.to.out = append(c.to.out, b...)
	c.items, c.begun = c.items+items, true
}

// cut finishes a part.
func (c *carrier) cut() {
	c.parts = append(c.parts, Part{bytes.Clone(c.to.Bytes()), c.items})
	c.items, c.begun, c.there = 0, false, false
}
