package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/jsonscan"
)

func (t *transcoder) appendNumber(k kind, num protowire.Number, v uint64) {
	t.out = protowire.AppendTag(t.out, num, protowire.Type(k.wire()))
	switch k.wire() {
	case wireFixed64:
		t.out = protowire.AppendFixed64(t.out, v)
	case wireFixed32:
		t.out = protowire.AppendFixed32(t.out, uint32(v))
	default:
		if k == kindSint32 {
			v = protowire.EncodeZigZag(int64(v))
		}
		t.out = protowire.AppendVarint(t.out, v)
	}
}

// id reads an id in hex. The ids of links and exemplars are not checked: a bad one is left out.
func (t *transcoder) id(f *field, num protowire.Number) {
	s, ok := t.quoted("a string in hex")
	if !ok {
		return
	}
	b := make([]byte, hex.DecodedLen(len(s)))
	_, err := hex.Decode(b, s)
	switch {
	case err == nil && (f.id == 0 || len(b) == int(f.id) || len(b) == 0):
		t.bytes(num, b)
	case f.id != 0:
		t.mark(f.fault, fmt.Sprintf("%s, want %d hex digits", clip(s), 2*f.id))
	}
}

// quoted reads a string, or faults.
func (t *transcoder) quoted(want string) ([]byte, bool) {
	if t.Peek() != '"' {
		t.misfit(want)
		return nil, false
	}
	return t.Text(), true
}

func (t *transcoder) double() (float64, bool) {
	var text string
	switch c := t.Peek(); {
	case c == '"':
		text = string(t.Text())
		switch text {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	case c == '-' || c >= '0' && c <= '9':
		text = string(t.Literal())
	default:
		t.misfit("a number")
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !jsonscan.IsNumber([]byte(text)) {
		t.mark(FaultValue, fmt.Sprintf("%s, want a double", clip([]byte(text))))
		return 0, false
	}
	return v, true
}

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

// fromBase64 reads the standard and the URL alphabet, padded or not, as protobuf's JSON does.
func fromBase64(s []byte) ([]byte, bool) {
	text := strings.TrimRight(string(s), "=")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	b, err := base64.RawStdEncoding.DecodeString(text)
	return b, err == nil
}

// clip quotes a text that came, or says how long it is.
func clip(s []byte) string {
	if len(s) > 48 {
		return fmt.Sprintf("%d characters", len(s))
	}
	return strconv.Quote(string(s))
}
