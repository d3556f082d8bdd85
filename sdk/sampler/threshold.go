package sampler

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

const (
	digits    = 14      // hex digits in 56 bits
	hexBits   = 4       // bits in one of them
	space     = 1 << 56 // the number of values of R and T
	minRatio  = 1.0 / space
	precision = 4 // significant digits of a threshold, the specification's default
)

// threshold is T, 0 to 2^56 − 1.
type threshold uint64

// randomness is R, 0 to 2^56 − 1.
type randomness uint64

// fromRatio gives the threshold of a ratio of 2^-56 to 1, rounded to the given number of significant digits. As in the
// specification's own algorithm, leading f digits are not among them, so that the relative error of a small ratio stays
// the same; leading zeros are, so that a ratio close to 1 may be rounded to 1.
func fromRatio(ratio float64, significant int) threshold {
	t := space - uint64(math.Round(ratio*space))
	_, exponent := math.Frexp(ratio)
	kept := min(digits, significant+exponent/-hexBits)
	drop := hexBits * (digits - kept)
	half := uint64(1) << drop >> 1
	return threshold((t + half) >> drop << drop)
}

// String gives the value of th: hex digits without trailing zeros; "0" keeps everything.
func (t threshold) String() string {
	if s := strings.TrimRight(fmt.Sprintf("%0*x", digits, uint64(t)), "0"); s != "" {
		return s
	}
	return "0"
}

// randomnessOf takes the last seven bytes of a trace id, which W3C Trace Context level 2 requires to be random.
func randomnessOf(id trace.TraceID) randomness {
	return randomness(binary.BigEndian.Uint64(id[8:]) & (space - 1))
}
