package record

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed is the error for bytes that are not the protobuf message they should be.
var ErrMalformed = errors.New("malformed protobuf")

// Field is one field of a message.
type Field struct {
	Num  protowire.Number
	Type protowire.Type
	// Start and End enclose the field with its tag in the message.
	Start, End int
	// Value is the content of a bytes field.
	Value []byte
	// Bits is the value of a number.
	Bits uint64
}

// Is reports whether f is the bytes field with a number.
func (f *Field) Is(num protowire.Number) bool { return f.Num == num && f.Type == protowire.BytesType }

// Cursor steps over the fields of a message.
type Cursor struct {
	Field
	b   []byte
	err error
}

// Over gives a cursor over the message b, before its first field.
func Over(b []byte) Cursor { return Cursor{b: b} }

// Next moves to the next field. It is false at the end, and where b is malformed: see Err.
func (c *Cursor) Next() bool {
	p := c.End
	if p >= len(c.b) || c.err != nil {
		return false
	}
	c.Field = Field{Start: p}
	num, typ, n := protowire.ConsumeTag(c.b[p:])
	if n < 0 {
		return c.fail(n)
	}
	p += n
	switch typ {
	case protowire.BytesType:
		c.Value, n = protowire.ConsumeBytes(c.b[p:])
	case protowire.VarintType:
		c.Bits, n = protowire.ConsumeVarint(c.b[p:])
	case protowire.Fixed64Type:
		c.Bits, n = protowire.ConsumeFixed64(c.b[p:])
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(c.b[p:])
		c.Bits = uint64(v)
	default:
		n = protowire.ConsumeFieldValue(num, typ, c.b[p:])
	}
	if n < 0 {
		return c.fail(n)
	}
	c.Num, c.Type, c.End = num, typ, p+n
	return true
}

func (c *Cursor) fail(n int) bool {
	c.err = fmt.Errorf("%w: byte %d: %w", ErrMalformed, c.Start, protowire.ParseError(n))
	return false
}

// Err tells why Next stopped; nil at the end of the message.
func (c *Cursor) Err() error { return c.err }

// Raw is the field with its tag.
func (c *Cursor) Raw() []byte { return c.b[c.Start:c.End:c.End] }

// Splice copies a message with some of its fields replaced. The zero Splice with Message set is ready. As long as
// nothing is replaced nothing is copied.
type Splice struct {
	Message []byte
	out     []byte
	done    int // bytes of Message that are dealt with
	touched bool
}

// Replace puts value in the place of the bytes field f.
func (s *Splice) Replace(f *Field, value []byte) {
	s.Remove(f)
	s.out = AppendBytes(s.out, f.Num, value)
}

// Remove leaves the field out.
func (s *Splice) Remove(f *Field) {
	if !s.touched {
		s.touched, s.out = true, make([]byte, 0, len(s.Message)+16)
	}
	s.out = append(s.out, s.Message[s.done:f.Start]...)
	s.done = f.End
}

// End copies what is left, so that fields can be appended to what it gives. Nothing may be replaced after it.
func (s *Splice) End() []byte {
	if !s.touched {
		s.out = make([]byte, 0, len(s.Message)+64)
	}
	s.out = append(s.out, s.Message[s.done:]...)
	s.done, s.touched = len(s.Message), true
	return s.out
}

// Result gives the message, and whether it is another than it was.
func (s *Splice) Result() ([]byte, bool) {
	if !s.touched {
		return s.Message, false
	}
	return s.End(), true
}

// AppendBytes appends a bytes field.
func AppendBytes(dst []byte, num protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, num, protowire.BytesType), value)
}

// sizeBytes is what AppendBytes appends for a value of n bytes.
func sizeBytes(num protowire.Number, n int) int {
	return protowire.SizeTag(num) + protowire.SizeBytes(n)
}
