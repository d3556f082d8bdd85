package otlp

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// Message is one of the messages of OTLP. The zero value is none of them.
type Message struct{ id messageID }

// MessageAt tells which message lies at a range of r.Bytes, that of a Refusal for one.
func (r *Request) MessageAt(at Range) Message {
	id, c := r.Signal.root(), cursor{b: r.Bytes, end: len(r.Bytes)}
	for c.next() {
		f := schema[id].field(c.num)
		if f == nil || f.kind != kindMessage || c.typ != wireBytes || int(at.Off) < c.off || int(at.Off+at.Len) > c.pos {
			continue
		}
		if c.at() == at {
			return Message{f.of}
		}
		id, c = f.of, over(r.Bytes, c.at())
	}
	return Message{}
}

// AppendItemJSON appends a message in OTLP/JSON for a person to read: at most limit bytes, cut at a rune with "…" as the
// end. What is malformed is shown as far as it can be read, so the item need not be one that was taken; b is not changed.
func AppendItemJSON(dst []byte, m Message, b []byte, limit int) []byte {
	start := len(dst)
	w := renderer{out: dst, b: b, most: start + limit}
	w.message(m.id, Range{Len: uint32(len(b))}, 0)
	const end = "…"
	switch {
	case len(w.out) <= w.most:
		return w.out
	case limit < len(end):
		return w.out[:start]
	}
	at := w.most - len(end)
	for at > start && !utf8.RuneStart(w.out[at]) {
		at--
	}
	return append(w.out[:at], end...)
}

// AppendJSON appends an export request in OTLP/JSON: lowerCamelCase, ids in hex, 64-bit integers in quotes, enums as
// numbers. Transcode gives the same request back, but for fields that OTLP does not know; texts that are not UTF-8 get
// U+FFFD where they are not. The error, a *Malformed if it is the framing, says why b cannot be written whole.
func AppendJSON(dst []byte, s Signal, b []byte) ([]byte, error) {
	if len(b) > math.MaxInt32 {
		return nil, malformed(b, s.root(), 0, tooBig)
	}
	w := renderer{out: dst, b: b, most: math.MaxInt}
	w.message(s.root(), Range{Len: uint32(len(b))}, 0)
	switch {
	case w.bad != framed:
		return nil, malformed(b, s.root(), w.at, w.bad)
	case w.deep:
		return nil, fmt.Errorf("%s: values nested deeper than %d at byte %d", pathTo(cursor{b: b, end: len(b)}, s.root(), 0, w.at), MaxDepth, w.at)
	}
	return w.out, nil
}

// renderer writes JSON. What it cannot read it leaves out, and notes the first of it.
type renderer struct {
	out  []byte
	b    []byte // that ranges lie in
	most int    // bytes of out that are wanted; a little more may be written
	bad  reason
	deep bool
	at   int // where the fault is
}

func (w *renderer) full() bool { return len(w.out) > w.most }

// room cuts b to what is still wanted of it, and a rune more.
func (w *renderer) room(b []byte) []byte {
	return b[:min(len(b), max(w.most-len(w.out), 0)+utf8.UTFMax)]
}

// present says which fields of a message are there.
type present struct {
	set   uint32
	first [maxFields]int // where the first one begins that counts
	last  [maxFields]int
}

// maxFields is above the numbers of the fields of any message.
const maxFields = 17

// survey finds the fields of the message at rng. Of a oneof the last one counts, as in protobuf.
func (w *renderer) survey(id messageID, rng Range) (p present) {
	m, c := &schema[id], over(w.b, rng)
	for c.next() {
		f := m.field(c.num)
		if f == nil || !f.takes(c.typ) {
			continue
		}
		if choice := id.oneof(); choice&(1<<c.num) != 0 {
			p.set &^= choice &^ (1 << c.num)
		}
		if p.set&(1<<c.num) == 0 {
			p.first[c.num] = c.start
		}
		p.set, p.last[c.num] = p.set|1<<c.num, c.start
	}
	w.note(c.start, c.bad)
	return p
}

func (w *renderer) note(at int, bad reason) {
	if w.bad == framed && !w.deep && bad != framed {
		w.at, w.bad = at, bad
	}
}

// takes tells whether a value of the field may have a wire type: lists of numbers may be packed.
func (f *field) takes(wire uint8) bool {
	return wire == f.kind.wire() || f.list && wire == wireBytes
}

// oneof has bit n set for a field n of which protobuf keeps but one.
func (id messageID) oneof() uint32 {
	switch id {
	case anyValue:
		return 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8
	case metric:
		return 1<<5 | 1<<7 | 1<<9 | 1<<10 | 1<<11
	case numberPoint:
		return 1<<4 | 1<<6
	case exemplar:
		return 1<<3 | 1<<6
	}
	return 0
}

// message writes the message at rng. values counts the AnyValues around it.
func (w *renderer) message(id messageID, rng Range, values int) {
	if id == anyValue {
		if values++; values > MaxDepth {
			if w.bad == framed && !w.deep {
				w.at, w.deep = int(rng.Off), true
			}
			w.out = append(w.out, "null"...)
			return
		}
	}
	p := w.survey(id, rng)
	w.out = append(w.out, '{')
	for num := range schema[id].fields {
		if p.set&(1<<num) == 0 || w.full() {
			continue
		}
		f := &schema[id].fields[num]
		w.out = appendJSONName(comma(w.out, '{'), f.name)
		c := cursor{b: w.b, pos: p.first[num], end: int(rng.Off + rng.Len)}
		switch {
		case f.list:
			w.list(f, uint32(num), c, values)
		case f.kind == kindMessage && p.first[num] != p.last[num]:
			w.merged(f, uint32(num), c, values)
		default:
			c.pos = p.last[num]
			c.next()
			w.value(f, &c, values)
		}
	}
	w.out = append(w.out, '}')
}

// list writes all fields with a number from c on.
func (w *renderer) list(f *field, num uint32, c cursor, values int) {
	w.out = append(w.out, '[')
	for !w.full() && c.next() {
		switch {
		case c.num != num || !f.takes(c.typ):
		case c.typ == f.kind.wire():
			w.out = comma(w.out, '[')
			w.value(f, &c, values)
		default:
			w.packed(f, &c)
		}
	}
	w.out = append(w.out, ']')
}

// merged writes a message that is given in parts, which protobuf takes as one.
func (w *renderer) merged(f *field, num uint32, c cursor, values int) {
	var all []byte
	first := c.pos
	for c.next() {
		if c.num == num && c.typ == wireBytes {
			all = append(all, c.value()...)
		}
	}
	part := renderer{out: w.out, b: all, most: w.most}
	part.message(f.of, Range{Len: uint32(len(all))}, values)
	w.out = part.out
	w.note(first, part.bad)
	if part.deep && w.bad == framed && !w.deep {
		w.at, w.deep = first, true
	}
}
