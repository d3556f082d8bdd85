package cases

import (
	"encoding/binary"
	"regexp"
	"strconv"
	"time"
)

const (
	zero   = 1767225600_000000000 // T0 in Unix nanoseconds
	window = int64(time.Hour)     // literal times lie within this after T0
)

// ago is how long T0 was ago when a case is run.
const ago = 10 * time.Second

// shiftTo gives by how much literal times are moved at now. It is in whole seconds, so that the digits behind stay.
func shiftTo(now time.Time) time.Duration {
	return now.Add(-ago).Truncate(time.Second).Sub(time.Unix(0, zero))
}

// literal is a number as long as a time in nanoseconds.
var literal = regexp.MustCompile(`\b\d{19}\b`)

// moveText moves each literal time of a JSON text, be it a number or a string.
func moveText(text []byte, shift time.Duration) []byte {
	return literal.ReplaceAllFunc(text, func(digits []byte) []byte {
		n, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil || !isLiteral(n) {
			return digits
		}
		return strconv.AppendInt(nil, n+int64(shift), 10)
	})
}

// moveBytes moves each literal time of a protobuf message. They are fixed64; no text looks like one, since the upper bytes
// of a time are not all ASCII.
func moveBytes(b []byte, shift time.Duration) []byte {
	for at := 0; at+8 <= len(b); at++ {
		if n := int64(binary.LittleEndian.Uint64(b[at:])); isLiteral(n) {
			binary.LittleEndian.PutUint64(b[at:], uint64(n+int64(shift)))
			at += 7
		}
	}
	return b
}

func isLiteral(n int64) bool { return n >= zero && n < zero+window }
