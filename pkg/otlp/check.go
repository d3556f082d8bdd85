package otlp

import (
	"cmp"
	"math/bits"
	"unicode/utf8"
)

// finding is what check found. The zero value is: all is well.
type finding struct {
	// at is where the fault is, or the bad framing; -1 if the fault has no field, being one of the whole.
	at    int
	fault Fault
	bad   reason
	mend  repairs // what is no fault, but to be mended

	times   times  // of an item without a fault
	instead uint64 // stands in for an end that is 0
}

// when gives the times of an item without a fault.
func (w *finding) when() times { return times{w.times.start, cmp.Or(w.times.end, w.instead)} }

// inspect checks a part or an item, and the buckets of a histogram.
func inspect(b []byte, id messageID, rng Range) finding {
	in := check(b, id, rng, 0)
	if in.fault == 0 && in.bad == framed && (id == histogramPoint || id == exponentialPoint) {
		if _, text := tallyOf(b, id, rng).misfit(); text != "" {
			in.is(FaultBuckets, -1)
		}
	}
	return in
}

// check walks a part or an item, with everything in it, up to the first fault. values counts the AnyValues around it.
func check(b []byte, id messageID, rng Range, values int) (found finding) {
	found.message(b, id, rng, values)
	return found
}

// message adds what there is to say of a message, and tells whether it has no fault.
func (w *finding) message(b []byte, id messageID, rng Range, values int) bool {
	if id == anyValue {
		if values++; values > MaxDepth {
			return w.is(FaultDepth, -1)
		}
	}
	m := &schema[id]
	elements, seen := 0, uint32(0)
	c := over(b, rng)
	for c.next() {
		f := m.field(c.num)
		if f == nil {
			continue
		}
		if c.typ != f.kind.wire() {
			if f.list && c.typ == wireBytes && !packed(c.value(), f.kind.wire()) {
				return w.isMalformed(badPacked, c.start)
			}
			continue
		}
		seen |= 1 << c.num
		if f.list {
			if elements++; elements > MaxCount {
				return w.is(FaultCount, c.start)
			}
		}
		switch f.kind {
		case kindMessage:
			if f.of == keyValue && values < MaxDepth && quickPair(c.value()) {
				continue
			}
			if !w.nested(b, f.of, &c, values) {
				return false
			}
		case kindText:
			if !utf8.Valid(c.value()) {
				w.mend |= 1 << RepairUTF8
			}
		case kindFixed64:
			w.time(m, &c)
		case kindID:
			if f.id != 0 && !f.idFits(c.value()) {
				return w.is(f.fault, c.start)
			}
			if noParent(f, c.value()) {
				w.mend |= 1 << RepairParentID
			}
		}
	}
	if c.bad != framed {
		return w.isMalformed(c.bad, c.start)
	}
	if missing := m.required &^ seen; missing != 0 {
		return w.is(m.fields[bits.TrailingZeros32(missing)].fault, -1)
	}
	if m.role == item && elements == MaxCount && w.mend.has(RepairUTF8) { // no room for the attribute that says so
		return w.is(FaultCount, -1)
	}
	return true
}

// nested adds what there is to say of the message that c is at.
func (w *finding) nested(b []byte, id messageID, c *cursor, values int) bool {
	before := w.mend
	if !w.message(b, id, c.at(), values) {
		if w.at < 0 && values == 0 {
			w.at = c.start // a value is too deep: the outermost one is named
		}
		return false
	}
	if id == spanLink && !linked(c.value()) {
		w.mend = before | 1<<RepairLink
	}
	return true
}

// time takes over what the field that c is at says of when an item was.
func (w *finding) time(m *message, c *cursor) {
	switch c.num {
	case m.times.start:
		w.times.start = c.val
	case m.times.end:
		w.times.end = c.val
	case m.times.instead:
		w.instead = c.val
	}
}

func (w *finding) is(f Fault, at int) bool {
	w.fault, w.at = f, at
	return false
}

func (w *finding) isMalformed(bad reason, at int) bool {
	w.bad, w.at = bad, at
	return false
}

// idFits tells whether b may be an id of the field.
func (f *field) idFits(b []byte) bool {
	if f.zeroOK && len(b) == 0 {
		return true
	}
	return len(b) == int(f.id) && (f.zeroOK || !zeros(b))
}

// noParent tells that b says in zeros that a span has no parent.
func noParent(f *field, b []byte) bool { return f.fault == FaultParentID && len(b) > 0 && zeros(b) }

// linked tells whether the ids of a link lead to a span; of an id that is given twice the last counts.
func linked(link []byte) bool {
	var trace, span bool
	for c := (cursor{b: link, end: len(link)}); c.next(); {
		switch {
		case c.typ != wireBytes:
		case c.num == 1:
			trace = c.pos-c.off == 16 && !zeros(c.value())
		case c.num == 2:
			span = c.pos-c.off == 8 && !zeros(c.value())
		}
	}
	return trace && span
}

func zeros(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// packed tells whether b is a packed list of numbers of a wire type.
func packed(b []byte, wire uint8) bool {
	switch wire {
	case wireFixed64:
		return len(b)%8 == 0
	case wireFixed32:
		return len(b)%4 == 0
	case wireVarint:
		for p := 0; p < len(b); {
			if _, p = uvarint(b, p); p < 0 {
				return false
			}
		}
	}
	return true
}
