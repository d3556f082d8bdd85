package otlp

import "encoding/binary"

// The quick path checks a span of the usual form in one sweep and without the schema, in a third of the time: nearly
// all that comes is such. What it takes has no fault; what it does not take is left to check, and may be as good. A
// fuzz test holds the two against each other.

// times are when an item began and ended, in ns since 1970; 0 is not said.
type times struct{ start, end uint64 }

func (t times) impossible() bool { return t.end < t.start || t.end == 0 }

// quickSpan checks the span b, and gives its times if it has no fault.
func quickSpan(b []byte) (t times, ok bool) {
	elements, ids := 0, 0
	for p := 0; p < len(b); {
		tag := b[p]
		p++
		switch {
		case tag&7 == wireBytes:
			n, at := quickLength(b, p)
			if n > len(b)-at {
				return t, false
			}
			v := b[at : at+n]
			p = at + n
			switch tag {
			case 9<<3 | wireBytes: // attributes
				if elements++; !quickPair(v) && !finePair(v) {
					return t, false
				}
			case 1<<3 | wireBytes: // trace_id
				if len(v) != 16 || binary.LittleEndian.Uint64(v)|binary.LittleEndian.Uint64(v[8:]) == 0 {
					return t, false
				}
				ids |= 1
			case 2<<3 | wireBytes, 4<<3 | wireBytes: // span_id, parent_span_id
				if len(v) != 8 || binary.LittleEndian.Uint64(v) == 0 {
					return t, false
				}
				ids |= int(tag) >> 3 & 2
			case 3<<3 | wireBytes, 5<<3 | wireBytes: // trace_state, name
				if !ascii(v) {
					return t, false
				}
			case 11<<3 | wireBytes: // events
				if elements++; !quickEvent(v) {
					return t, false
				}
			case 15<<3 | wireBytes: // status
				if !quickStatus(v) {
					return t, false
				}
			default:
				return t, false
			}
		case tag == 7<<3|wireFixed64 && len(b)-p >= 8:
			t.start = binary.LittleEndian.Uint64(b[p:])
			p += 8
		case tag == 8<<3|wireFixed64 && len(b)-p >= 8:
			t.end = binary.LittleEndian.Uint64(b[p:])
			p += 8
		case (tag == 6<<3 || tag == 10<<3) && p < len(b) && b[p] < 0x80: // kind, dropped_attributes_count
			p++
		case tag == 0x85 && len(b)-p >= 5 && b[p] == 1: // flags, whose tag takes two bytes
			p += 5
		default:
			return t, false
		}
	}
	return t, ids == 3 && elements <= MaxCount
}

// quickEvent checks a span event.
func quickEvent(b []byte) bool {
	elements := 0
	for p := 0; p < len(b); {
		tag := b[p]
		p++
		if tag == 1<<3|wireFixed64 && len(b)-p >= 8 { // time_unix_nano
			p += 8
			continue
		}
		n, at := quickLength(b, p)
		if n > len(b)-at {
			return false
		}
		v := b[at : at+n]
		p = at + n
		switch tag {
		case 2<<3 | wireBytes: // name
			if !ascii(v) {
				return false
			}
		case 3<<3 | wireBytes: // attributes
			if elements++; !quickPair(v) && !finePair(v) {
				return false
			}
		default:
			return false
		}
	}
	return elements <= MaxCount
}

// quickStatus checks a Status.
func quickStatus(b []byte) bool {
	if n := len(b); n >= 2 && b[n-2] == 3<<3 && b[n-1] < 0x80 { // code, behind the message
		b = b[:n-2]
	}
	return len(b) == 0 || len(b) >= 2 && len(b) < 0x82 && b[0] == 2<<3|wireBytes && int(b[1]) == len(b)-2 && ascii(b[2:])
}

// finePair checks a KeyValue of any form.
func finePair(b []byte) bool {
	return check(b, keyValue, Range{Len: uint32(len(b))}, 0) == finding{}
}

// quickPair checks a KeyValue of a key and a text, number or bool.
func quickPair(b []byte) bool {
	if len(b) < 6 || b[0] != 1<<3|wireBytes || b[1] >= 0x80 {
		return false
	}
	v := 2 + int(b[1]) // where the value begins
	if len(b) < v+4 || b[v] != 2<<3|wireBytes {
		return false
	}
	n, at := quickLength(b, v+1)
	if n != len(b)-at || n < 2 {
		return false
	}
	switch b[at] {
	case uint8(ValueString)<<3 | wireBytes:
		text, from := quickLength(b, at+1)
		if n < 0x80 { // tags and lengths are ASCII as well, so that one sweep checks the pair
			return text == len(b)-from && ascii(b)
		}
		return text == len(b)-from && ascii(b[2:v]) && ascii(b[from:])
	case uint8(ValueInt) << 3:
		return endsVarint(b[at+1:]) && ascii(b[2:v])
	case uint8(ValueBool) << 3:
		return n == 2 && b[at+1] < 0x80 && ascii(b[2:v])
	case uint8(ValueDouble)<<3 | wireFixed64:
		return n == 9 && ascii(b[2:v])
	}
	return false
}

// quickLength reads a length of one or two bytes at p and gives the place behind it. A longer one, or none, is given as
// more than there is.
func quickLength(b []byte, p int) (n, behind int) {
	if p >= len(b) {
		return 1, p
	}
	n = int(b[p])
	if n < 0x80 {
		return n, p + 1
	}
	if p++; p >= len(b) || b[p] >= 0x80 {
		return len(b), p
	}
	return n&0x7f | int(b[p])<<7, p + 1
}

// endsVarint tells whether b is one varint, of at most nine bytes: the tenth would need a closer look.
func endsVarint(b []byte) bool {
	if len(b) == 0 || len(b) > 9 || b[len(b)-1] >= 0x80 {
		return false
	}
	for _, x := range b[:len(b)-1] {
		if x < 0x80 {
			return false
		}
	}
	return true
}

// ascii tells whether all of b is ASCII, in steps of eight bytes of which the last two may overlap.
func ascii(b []byte) bool {
	const high = 0x8080808080808080
	if len(b) < 8 {
		or := uint8(0)
		for _, x := range b {
			or |= x
		}
		return or < 0x80
	}
	or := binary.LittleEndian.Uint64(b[len(b)-8:])
	for ; len(b) >= 8; b = b[8:] {
		or |= binary.LittleEndian.Uint64(b)
	}
	return or&high == 0
}
