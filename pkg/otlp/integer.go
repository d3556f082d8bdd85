package otlp

import (
	"fmt"

	"github.com/triflow/triflow/pkg/jsonscan"
)

// integer reads a bool, an enum or an integer, as the bits of a varint or fixed field.
func (t *transcoder) integer(f *field) (uint64, bool) {
	var text string
	switch c := t.Peek(); {
	case f.kind == kindBool:
		if c != 't' && c != 'f' {
			t.misfit("true or false")
			return 0, false
		}
		if string(t.Literal()) == "true" {
			return 1, true
		}
		return 0, true
	case c == '"':
		text = string(t.Text())
		if f.kind == kindEnum {
			return t.enumName(f, text)
		}
	case c == '-' || c >= '0' && c <= '9':
		text = string(t.Literal())
	default:
		t.misfit("an integer")
		return 0, false
	}
	low, high := f.kind.limits()
	if v, ok := jsonscan.Integer(text, low, high); ok {
		return v, true
	}
	t.mark(FaultValue, fmt.Sprintf("%s, want an integer from %d to %d", clip([]byte(text)), low, high))
	return 0, false
}

func (t *transcoder) enumName(f *field, name string) (uint64, bool) {
	for v, known := range f.enum {
		if known == name {
			return uint64(v), true
		}
	}
	t.mark(FaultValue, fmt.Sprintf("%s, want the number of an enum value", clip([]byte(name))))
	return 0, false
}

// limits are the values that fit an integer of kind k.
func (k kind) limits() (low int64, high uint64) {
	switch k {
	case kindUint32, kindFixed32:
		return 0, 1<<32 - 1
	case kindUint64, kindFixed64:
		return 0, 1<<64 - 1
	case kindInt64, kindSfixed64:
		return -1 << 63, 1<<63 - 1
	}
	return -1 << 31, 1<<31 - 1
}
