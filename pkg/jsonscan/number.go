package jsonscan

import (
	"strconv"
	"strings"
)

// IsNumber is the grammar of RFC 8259 section 6.
func IsNumber(b []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n > 0
	}
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) > 1 && b[0] == '0' && b[1] >= '0' && b[1] <= '9' || !digits() {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b = b[1:]; !digits() {
			return false
		}
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(b) == 0
}

// Integer reads a decimal without going through a float, which would lose digits. "1e3" and "5.0" are integers as
// well, as in protobuf's JSON.
func Integer(text string, low int64, high uint64) (uint64, bool) {
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
	if !IsNumber([]byte(text)) {
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
