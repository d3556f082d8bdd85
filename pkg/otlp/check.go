package otlp

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// check walks a part or an item, with everything in it, and gives the first fault and where it is, or where and why
// the framing is bad. values counts the AnyValues around it. A fault at -1 has no field: it is one of the whole.
func check(b []byte, id messageID, rng Range, values int) (fault Fault, at int, bad reason) {
	switch id {
	case keyValue:
		if plainPair(b[rng.Off : rng.Off+rng.Len]) {
			return 0, 0, framed
		}
	case anyValue:
		if values++; values > MaxDepth {
			return FaultDepth, -1, framed
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
				return 0, c.start, badPacked
			}
			continue
		}
		seen |= 1 << c.num
		if f.list {
			if elements++; elements > MaxCount {
				return FaultCount, c.start, framed
			}
		}
		switch f.kind {
		case kindMessage:
			if fault, at, bad = check(b, f.of, c.at(), values); fault != 0 || bad != framed {
				return fault, at, bad
			}
		case kindText:
			if !utf8.Valid(c.value()) {
				return FaultUTF8, c.start, framed
			}
		case kindID:
			if f.id != 0 && !f.idFits(c.value()) {
				return f.fault, c.start, framed
			}
		}
	}
	if c.bad != framed {
		return 0, c.start, c.bad
	}
	if missing := m.required &^ seen; missing != 0 {
		return m.fields[bits.TrailingZeros32(missing)].fault, -1, framed
	}
	return 0, 0, framed
}

// idFits tells whether b may be an id of the field.
func (f *field) idFits(b []byte) bool {
	if f.zeroOK && len(b) == 0 {
		return true
	}
	return len(b) == int(f.id) && (f.zeroOK || !zeros(b))
}

func zeros(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// plainPair tells that b is a KeyValue of a key and a string, each shorter than 128 bytes, all ASCII. That is what
// most attributes are: their tags and lengths are ASCII as well, so that one sweep checks the pair.
func plainPair(b []byte) bool {
	if len(b) < 6 || b[0] != 1<<3|wireBytes {
		return false
	}
	v := 2 + int(b[1])
	if len(b) < v+4 || b[v] != 2<<3|wireBytes || int(b[v+1]) != len(b)-v-2 ||
		b[v+2] != uint8(ValueString)<<3|wireBytes || int(b[v+3]) != len(b)-v-4 {
		return false
	}
	high := uint64(0)
	for ; len(b) >= 8; b = b[8:] {
		high |= binary.LittleEndian.Uint64(b)
	}
	for _, x := range b {
		high |= uint64(x)
	}
	return high&0x8080808080808080 == 0
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

// countBuckets counts the bucket counts and the bounds of the HistogramDataPoint at rng, packed or not.
func countBuckets(b []byte, rng Range) (counts, bounds int) {
	c := over(b, rng)
	for c.next() {
		if c.num != 6 && c.num != 7 {
			continue
		}
		n := 0
		switch c.typ {
		case wireFixed64:
			n = 1
		case wireBytes:
			n = (c.pos - c.off) / 8
		}
		if c.num == 6 {
			counts += n
		} else {
			bounds += n
		}
	}
	return counts, bounds
}

// bucketsFit is the rule of OTLP: one bucket more than there are bounds, or no buckets at all.
func bucketsFit(counts, bounds int) bool { return counts == bounds+1 || counts == 0 && bounds == 0 }
