package otlp

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// Wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireGroup   = 3
	wireFixed32 = 5
)

// reason says what is wrong with the framing of a message.
type reason uint8

const (
	framed reason = iota
	badVarint
	badTag
	badWireType
	pastEnd
	badGroup
	givenTwice
	secondKind
	tooBig
	badPacked
	tooManyFaults
	tooManySources
)

// String gives the words of an error message.
func (r reason) String() string {
	switch r {
	case badVarint:
		return "a varint is cut off or longer than 10 bytes"
	case badTag:
		return "a field number is outside 1 to 536870911"
	case badWireType:
		return "a wire type is none of protobuf"
	case pastEnd:
		return "a length runs past the end of its message"
	case badGroup:
		return "a group is not closed"
	case givenTwice:
		return "given twice, want at most once"
	case secondKind:
		return "a second kind of data, want one"
	case badPacked:
		return "a packed list does not end with a number"
	case tooManyFaults:
		return "more than 65536 faulty items"
	case tooManySources:
		return "more than 65536 resources"
	case tooBig:
		return "more than 2147483647 bytes"
	}
	return "well framed"
}

// cursor steps over the fields of the message in b[pos:end]. All offsets count from the start of b, so that a place in
// a nested message is a place in the request.
type cursor struct {
	b        []byte
	pos, end int
	start    int    // where the field begins, its tag included
	off      int    // where its value begins: for bytes, behind the length
	num      uint32 // field number
	val      uint64 // value of a varint or fixed field
	typ      uint8  // wire type
	bad      reason // why next stopped before the end
}

// over gives a cursor over the message at r.
func over(b []byte, r Range) cursor {
	return cursor{b: b, pos: int(r.Off), end: int(r.Off + r.Len)}
}

// at is the range of the value of a bytes field.
func (c *cursor) at() Range { return Range{uint32(c.off), uint32(c.pos - c.off)} }

// value is the content of a bytes field.
func (c *cursor) value() []byte { return c.b[c.off:c.pos] }

// next moves to the next field. It is false at the end of the message, and where the framing is bad.
func (c *cursor) next() bool {
	b, p := c.b[:c.end], c.pos
	if p >= len(b) {
		return false
	}
	c.start = p
	// Most fields are short texts and messages, and times.
	switch tag := b[p]; {
	case tag < 1<<3 || tag >= 0x80:
	case tag&7 == wireBytes && len(b)-p >= 2 && int(b[p+1]) < min(len(b)-p-1, 0x80):
		c.num, c.typ, c.off, c.pos = uint32(tag>>3), wireBytes, p+2, p+2+int(b[p+1])
		return true
	case tag&7 == wireFixed64 && len(b)-p >= 9:
		c.num, c.typ, c.off, c.pos, c.val = uint32(tag>>3), wireFixed64, p+1, p+9, binary.LittleEndian.Uint64(b[p+1:])
		return true
	}
	return c.nextOf(b, p)
}

// more passes over the fields that are like the one that c is at, which has bytes, and counts them. Attributes come one
// after another, and are half of what most items are.
func (c *cursor) more() (n uint32) {
	b, p, tag := c.b[:c.end], c.pos, c.b[c.start]
	for p < len(b) && b[p] == tag && tag < 0x80 {
		size, at := quickLength(b, p+1)
		if size > len(b)-at {
			break
		}
		p = at + size
		n++
	}
	c.pos = p
	return n
}

// nextOf reads a field of any kind.
func (c *cursor) nextOf(b []byte, p int) bool {
	end := len(b)
	c.num = 0
	tag := uint64(b[p])
	if tag < 0x80 {
		p++
	} else if tag, p = uvarint(b, p); p < 0 {
		return c.fail(badVarint)
	}
	if tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
		return c.fail(badTag)
	}
	c.num, c.typ = uint32(tag>>3), uint8(tag&7)
	switch c.typ {
	case wireBytes:
		if p >= end {
			return c.fail(badVarint)
		}
		n := uint64(b[p])
		if n < 0x80 {
			p++
		} else if n, p = uvarint(b, p); p < 0 {
			return c.fail(badVarint)
		}
		if n > uint64(end-p) {
			return c.fail(pastEnd)
		}
		c.off, c.pos = p, p+int(n)
	case wireVarint:
		c.off = p
		if c.val, p = uvarint(b, p); p < 0 {
			return c.fail(badVarint)
		}
		c.pos = p
	case wireFixed64:
		if end-p < 8 {
			return c.fail(pastEnd)
		}
		c.off, c.pos, c.val = p, p+8, binary.LittleEndian.Uint64(b[p:])
	case wireFixed32:
		if end-p < 4 {
			return c.fail(pastEnd)
		}
		c.off, c.pos, c.val = p, p+4, uint64(binary.LittleEndian.Uint32(b[p:]))
	case wireGroup:
		// OTLP has no groups, but protobuf lets an unknown field be one.
		n := protowire.ConsumeFieldValue(protowire.Number(c.num), protowire.StartGroupType, b[p:])
		if n < 0 {
			return c.fail(badGroup)
		}
		c.off, c.pos = p, p+n
	default:
		return c.fail(badWireType)
	}
	return true
}

func (c *cursor) fail(r reason) bool {
	c.bad = r
	return false
}

// uvarint reads a varint at p and gives the place behind it, or -1.
func uvarint(b []byte, p int) (uint64, int) {
	var v uint64
	for shift := uint(0); shift < 64; shift += 7 {
		if p >= len(b) {
			return 0, -1
		}
		x := b[p]
		p++
		if x < 0x80 {
			if shift == 63 && x > 1 {
				return 0, -1
			}
			return v | uint64(x)<<shift, p
		}
		v |= uint64(x&0x7f) << shift
	}
	return 0, -1
}
