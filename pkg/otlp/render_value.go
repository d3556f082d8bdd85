package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// value writes the value at c.
func (w *renderer) value(f *field, c *cursor, values int) {
	switch f.kind {
	case kindMessage:
		w.message(f.of, c.at(), values)
	case kindText:
		w.out = appendJSONText(w.out, w.room(c.value()))
	case kindID:
		w.out = append(hex.AppendEncode(append(w.out, '"'), w.room(c.value())), '"')
	case kindBytes:
		w.out = append(base64.StdEncoding.AppendEncode(append(w.out, '"'), w.room(c.value())), '"')
	default:
		w.out = appendJSONNumber(w.out, f.kind, c.val)
	}
}

// packed writes the numbers of a packed list.
func (w *renderer) packed(f *field, c *cursor) {
	for b := c.value(); len(b) > 0 && !w.full(); {
		v, n := number(b, f.kind.wire())
		if n < 0 {
			w.note(c.start, badPacked)
			return
		}
		w.out = appendJSONNumber(comma(w.out, '['), f.kind, v)
		b = b[n:]
	}
}

// appendJSONNumber writes the bits of a varint or fixed field.
func appendJSONNumber(dst []byte, k kind, v uint64) []byte {
	switch k {
	case kindBool:
		return strconv.AppendBool(dst, v != 0)
	case kindEnum, kindInt32:
		return strconv.AppendInt(dst, int64(int32(v)), 10)
	case kindSint32:
		return strconv.AppendInt(dst, protowire.DecodeZigZag(v&math.MaxUint32), 10)
	case kindUint32, kindFixed32:
		return strconv.AppendUint(dst, v&math.MaxUint32, 10)
	case kindInt64, kindSfixed64:
		return append(strconv.AppendInt(append(dst, '"'), int64(v), 10), '"')
	case kindUint64, kindFixed64:
		return append(strconv.AppendUint(append(dst, '"'), v, 10), '"')
	}
	switch x := math.Float64frombits(v); {
	case math.IsNaN(x):
		return append(dst, `"NaN"`...)
	case math.IsInf(x, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(x, -1):
		return append(dst, `"-Infinity"`...)
	default:
		return strconv.AppendFloat(dst, x, 'g', -1, 64)
	}
}

// appendJSONName writes the name of a field as a key.
func appendJSONName(dst []byte, name string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '_' {
			i++
			c = name[i] - 'a' + 'A'
		}
		dst = append(dst, c)
	}
	return append(dst, `":`...)
}

// appendJSONText writes a string. Only what JSON cannot hold is escaped.
func appendJSONText(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < ' ':
			dst = hex.AppendEncode(append(dst, `\u00`...), s[:1])
		default:
			dst = utf8.AppendRune(dst, r)
		}
		s = s[n:]
	}
	return append(dst, '"')
}
