package otlp

import (
	"encoding/base64"
	"iter"
	"math"
	"strconv"
)

// Value is a view of an AnyValue. The zero Value is the empty one.
type Value struct{ raw []byte }

// ValueOf views the bytes of an AnyValue message.
func ValueOf(b []byte) Value { return Value{b} }

// ValueKind says what a Value holds. Its numbers are those of the fields of AnyValue.
type ValueKind uint8

// The kinds of Value.
const (
	ValueEmpty  ValueKind = 0
	ValueString ValueKind = 1
	ValueBool   ValueKind = 2
	ValueInt    ValueKind = 3
	ValueDouble ValueKind = 4
	ValueArray  ValueKind = 5
	ValueMap    ValueKind = 6
	ValueBytes  ValueKind = 7
)

// find gives the member that is set: the last one, as in protobuf.
func (v Value) find() (k ValueKind, bits uint64, b []byte) {
	c := cursor{b: v.raw, end: len(v.raw)}
	for c.next() {
		f := schema[anyValue].field(c.num)
		if f == nil || c.num > uint32(ValueBytes) || f.kind.wire() != c.typ {
			continue
		}
		k, bits, b = ValueKind(c.num), c.val, nil
		if c.typ == wireBytes {
			b = c.value()
		}
	}
	return k, bits, b
}

// Kind tells what v holds.
func (v Value) Kind() ValueKind {
	k, _, _ := v.find()
	return k
}

// Bytes gives the content of a string or bytes value, without a copy, and whether v is one.
func (v Value) Bytes() ([]byte, bool) {
	k, _, b := v.find()
	return b, k == ValueString || k == ValueBytes
}

// Int gives an int value, and whether v is one.
func (v Value) Int() (int64, bool) {
	k, bits, _ := v.find()
	return int64(bits), k == ValueInt
}

// Float gives a double or an int value as a number, and whether v is one.
func (v Value) Float() (float64, bool) {
	switch k, bits, _ := v.find(); k {
	case ValueDouble:
		return math.Float64frombits(bits), true
	case ValueInt:
		return float64(int64(bits)), true
	}
	return 0, false
}

// Bool gives a bool value, and whether v is one.
func (v Value) Bool() (value, ok bool) {
	k, bits, _ := v.find()
	return bits != 0, k == ValueBool
}

// Text gives v as text of its own: a string as it is, a number or bool in its shortest form, bytes in base64, an
// array or map as JSON, nothing for the empty value.
func (v Value) Text() string {
	k, _, b := v.find()
	switch k {
	case ValueEmpty:
		return ""
	case ValueString:
		return string(b)
	case ValueBytes:
		return base64.StdEncoding.EncodeToString(b)
	case ValueDouble:
		f, _ := v.Float()
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return string(v.appendJSON(nil, 0))
}

// appendJSON writes v as plain JSON. Doubles that JSON has no number for are written as strings.
func (v Value) appendJSON(dst []byte, depth int) []byte {
	if depth > MaxDepth {
		return append(dst, "null"...)
	}
	k, bits, b := v.find()
	switch k {
	case ValueString:
		return appendJSONText(dst, b)
	case ValueBool:
		return strconv.AppendBool(dst, bits != 0)
	case ValueInt:
		return strconv.AppendInt(dst, int64(bits), 10)
	case ValueDouble:
		f := math.Float64frombits(bits)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.AppendQuote(dst, strconv.FormatFloat(f, 'g', -1, 64))
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	case ValueBytes:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
	case ValueArray:
		dst = append(dst, '[')
		for c := (cursor{b: b, end: len(b)}); c.next(); {
			if c.num == 1 && c.typ == wireBytes {
				dst = Value{c.value()}.appendJSON(comma(dst, '['), depth+1)
			}
		}
		return append(dst, ']')
	case ValueMap:
		dst = append(dst, '{')
		for c := (cursor{b: b, end: len(b)}); c.next(); {
			if c.num == 1 && c.typ == wireBytes {
				key, value := pair(c.value())
				dst = append(appendJSONText(comma(dst, '{'), key), ':')
				dst = value.appendJSON(dst, depth+1)
			}
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// comma separates elements, unless the list was only just opened.
func comma(dst []byte, open byte) []byte {
	if dst[len(dst)-1] == open {
		return dst
	}
	return append(dst, ',')
}

// pair splits a KeyValue.
func pair(b []byte) (key []byte, v Value) {
	for c := (cursor{b: b, end: len(b)}); c.next(); {
		switch {
		case c.num == 1 && c.typ == wireBytes:
			key = c.value()
		case c.num == 2 && c.typ == wireBytes:
			v = Value{c.value()}
		}
	}
	return key, v
}

// findAttr finds the KeyValue with a key among the fields with a number of the message at r; the first of several.
func findAttr(b []byte, r Range, num uint32, key string) (Value, bool) {
	c := over(b, r)
	for c.next() {
		if c.num != num || c.typ != wireBytes {
			continue
		}
		kv := c.value()
		// Encoders write the key first: most are passed over by its length alone.
		if len(kv) > 1 && kv[0] == 1<<3|wireBytes && kv[1] < 0x80 && int(kv[1]) != len(key) {
			continue
		}
		if k, v := pair(kv); string(k) == key {
			return v, true
		}
	}
	return Value{}, false
}

// attrs yields the KeyValues among the fields with a number of the message at r.
func attrs(b []byte, r Range, num uint32) iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		c := over(b, r)
		for c.next() {
			if c.num == num && c.typ == wireBytes {
				if k, v := pair(c.value()); !yield(k, v) {
					return
				}
			}
		}
	}
}
