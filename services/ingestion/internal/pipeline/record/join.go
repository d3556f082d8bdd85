package record

import "google.golang.org/protobuf/encoding/protowire"

// Append writes items of b, in their order, as a request behind dst. Neighbours in one group come under one message.
func (b *Batch) Append(dst []byte, items []Item) []byte {
	return append(b.appendLevel(dst, Resources, items), b.Rest...)
}

// Size is what Append appends, in bytes.
func (b *Batch) Size(items []Item) int { return len(b.Rest) + b.size(Resources, items) }

// next cuts off the items at the front that have one group on a level.
func (b *Batch) next(level int, items []Item) (g *Group, run, rest []Item) {
	first := b.Ancestor(items[0], level)
	n := 1
	for n < len(items) && (items[n].Group == items[n-1].Group || b.Ancestor(items[n], level) == first) {
		n++
	}
	return &b.Levels[level][first], items[:n], items[n:]
}

// field is the number that a group of a level has in the message above.
func field(level int) protowire.Number {
	if level == Resources {
		return fieldTop
	}
	return fieldChildren
}

func (b *Batch) itemField() protowire.Number {
	if b.Depth() == 3 {
		return fieldPoints
	}
	return fieldChildren
}

func (b *Batch) size(level int, items []Item) (n int) {
	if level == b.Depth() {
		for i := range items {
			n += sizeBytes(fieldChildren, len(items[i].Raw))
		}
		return n
	}
	for len(items) > 0 {
		var g *Group
		var run []Item
		g, run, items = b.next(level, items)
		n += sizeBytes(field(level), b.body(level, g, run))
	}
	return n
}

// body is the size of the message of a group, without its tag and length.
func (b *Batch) body(level int, g *Group, run []Item) int {
	n := b.size(level+1, run)
	if level == Metrics {
		n = sizeBytes(g.Kind, len(g.Data)+n)
	}
	if g.Self != nil {
		n += sizeBytes(fieldSelf, len(g.Self))
	}
	return n + len(g.Rest)
}

func (b *Batch) appendLevel(dst []byte, level int, items []Item) []byte {
	if level == b.Depth() {
		for i := range items {
			dst = AppendBytes(dst, b.itemField(), items[i].Raw)
		}
		return dst
	}
	for len(items) > 0 {
		var g *Group
		var run []Item
		g, run, items = b.next(level, items)
		dst = appendHead(dst, field(level), b.body(level, g, run))
		if g.Self != nil {
			dst = AppendBytes(dst, fieldSelf, g.Self)
		}
		if level == Metrics {
			dst = append(dst, g.Rest...)
			dst = appendHead(dst, g.Kind, len(g.Data)+b.size(level+1, run))
			dst = append(b.appendLevel(dst, level+1, run), g.Data...)
			continue
		}
		dst = append(b.appendLevel(dst, level+1, run), g.Rest...)
	}
	return dst
}

func appendHead(dst []byte, num protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.BytesType), uint64(n))
}
