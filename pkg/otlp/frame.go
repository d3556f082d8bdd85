package otlp

import "bytes"

// frame is what a message that leads to items says beside them and the groups in it: its resource or scope, its schema,
// the name and unit of a metric, and what this version of OTLP does not know. Encoders write it before and behind what
// is in the message; mixed is a frame of which a piece lies between.
type frame struct {
	all         Range  // the message
	first, last uint32 // what is in it begins and ends here; both are its end if nothing is
	id          messageID
	kind        MetricKind // of a metric, 0 of others: its points make it another even if all else is the same
	mixed       bool
}

func frameOf(id messageID, all Range) frame {
	end := all.Off + all.Len
	return frame{all: all, first: end, last: end, id: id}
}

func (f *frame) end() uint32 { return f.all.Off + f.all.Len }

// empty tells that nothing is in the message.
func (f *frame) empty() bool { return f.first == f.end() }

// hold notes the field that c is at as one of what is in the message. They come in order.
func (f *frame) hold(c *cursor) {
	switch {
	case f.empty():
		f.first = uint32(c.start)
	case f.last != uint32(c.start):
		f.mixed = true
	}
	f.last = uint32(c.pos)
}

// appendTo appends the frame, which lies in b.
func (f *frame) appendTo(dst, b []byte) []byte {
	if !f.mixed {
		return append(append(dst, b[f.all.Off:f.first]...), b[f.last:f.end()]...)
	}
	for c := over(b, f.all); c.next(); {
		if !f.id.leads(&c) {
			dst = append(dst, b[c.start:c.pos]...)
		}
	}
	return dst
}

// size is what appendTo appends.
func (f *frame) size(b []byte) int {
	if f.mixed {
		return len(f.appendTo(nil, b))
	}
	return int(f.first - f.all.Off + f.end() - f.last)
}

// is tells whether appendTo would append just that.
func (f *frame) is(b, written []byte) bool {
	if f.mixed {
		return bytes.Equal(f.appendTo(nil, b), written)
	}
	head, tail := b[f.all.Off:f.first], b[f.last:f.end()]
	return len(written) == len(head)+len(tail) && bytes.Equal(head, written[:len(head)]) && bytes.Equal(tail, written[len(head):])
}

// leads tells whether the field that c is at is a group or an item.
func (id messageID) leads(c *cursor) bool {
	f := schema[id].field(c.num)
	return f != nil && f.kind == kindMessage && c.typ == wireBytes && schema[f.of].role != part
}
