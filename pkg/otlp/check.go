package otlp

import (
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
}

// inspect checks a part or an item, and the buckets of a histogram.
func inspect(b []byte, id messageID, rng Range) finding {
	in := check(b, id, rng, 0)
	if in.fault == 0 && in.bad == framed && (id == histogramPoint || id == exponentialPoint) {
		if _, text := tallyOf(b, id, rng).misfit(); text != "" {
			return finding{fault: FaultBuckets, at: -1}
		}
	}
	return in
}

// check walks a part or an item, with everything in it, up to the first fault. values counts the AnyValues around it.
func check(b []byte, id messageID, rng Range, values int) (found finding) {
	switch id {
	case keyValue:
		if values < MaxDepth && quickPair(b[rng.Off:rng.Off+rng.Len]) {
			return found
		}
	case anyValue:
		if values++; values > MaxDepth {
			return finding{fault: FaultDepth, at: -1}
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
				return finding{bad: badPacked, at: c.start}
			}
			continue
		}
		seen |= 1 << c.num
		if f.list {
			if elements++; elements > MaxCount {
				return finding{fault: FaultCount, at: c.start}
			}
		}
		switch f.kind {
		case kindMessage:
			in := check(b, f.of, c.at(), values)
			if in.fault != 0 || in.bad != framed {
				if in.at < 0 && values == 0 {
					in.at = c.start // a value is too deep: the outermost one is named
				}
				return in
			}
			if f.of == spanLink && !linked(c.value()) {
				in.mend = 1 << RepairLink
			}
			found.mend |= in.mend
		case kindText:
			if !utf8.Valid(c.value()) {
				found.mend |= 1 << RepairUTF8
			}
		case kindID:
			if f.id != 0 && !f.idFits(c.value()) {
				return finding{fault: f.fault, at: c.start}
			}
			if noParent(f, c.value()) {
				found.mend |= 1 << RepairParentID
			}
		}
	}
	if c.bad != framed {
		return finding{bad: c.bad, at: c.start}
	}
	if missing := m.required &^ seen; missing != 0 {
		return finding{fault: m.fields[bits.TrailingZeros32(missing)].fault, at: -1}
	}
	if m.role == item && elements == MaxCount && found.mend.has(RepairUTF8) { // no room for the attribute that says so
		return finding{fault: FaultCount, at: -1}
	}
	return found
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
