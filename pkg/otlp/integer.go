package otlp

import (
	"fmt"
	"strconv"
	"strings"
)

// integer reads a bool, an enum or an integer, as the bits of a varint or fixed field.
func (t *transcoder) integer(f *field) (uint64, bool) {
	var text string
	switch c := t.peek(); {
	case f.kind == kindBool:
		if c != 't' && c != 'f' {
			t.misfit("true or false")
			return 0, false
		}
		if string(t.literal()) == "true" {
			return 1, true
		}
		return 0, true
	case c == '"':
		text = string(t.text())
		if f.kind == kindEnum {
			return t.enumName(f, text)
		}
	case c == '-' || c >= '0' && c <= '9':
		text = string(t.literal())
	default:
		t.misfit("an integer")
		return 0, false
	}
	low, high := f.kind.limits()
	if v, ok := parseInteger(text, low, high); ok {
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

// parseInteger reads a decimal without going through a float, which would lose digits. "1e3" and "5.0" are integers as
// well, as in protobuf's JSON.
func parseInteger(text string, low int64, high uint64) (uint64, bool) {
	digits, ok := wholeDigits(text)
	if !ok {
		return 0, false
	}
	if strings.HasPrefix(digits, "-") {
		v, err := strconv.ParseInt(digits, 10, 64)
		return uint64(v), err == nil && v >= low
	}
	v, err := strconv.ParseUint(digits, 10, 64)
	return v, err == nil && v <= high
}

// wholeDigits writes a JSON number as plain digits, if it is whole and not far beyond 64 bits.
func wholeDigits(text string) (string, bool) {
	if !isNumber([]byte(text)) {
		return "", false
	}
	mantissa, exponent := text, 0
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		n, err := strconv.Atoi(text[e+1:])
		if err != nil || n > 32 || n < -32 {
			return "", false
		}
		mantissa, exponent = text[:e], n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if exponent > 0 {
		fraction += strings.Repeat("0", exponent)
		whole, fraction = whole+fraction[:exponent], fraction[exponent:]
	} else if digits := len(strings.TrimPrefix(whole, "-")); exponent < 0 {
		n := min(-exponent, digits)
		whole, fraction = whole[:len(whole)-n], whole[len(whole)-n:]+fraction
		if n == digits {
			whole += "0"
		}
	}
	return whole, strings.Trim(fraction, "0") == ""
}
