package threshold

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

const (
	// Digits is the number of hex digits in 56 bits.
	Digits = 14
	// DefaultPrecision is the number of significant hex digits that the SDKs write.
	DefaultPrecision = 4
	// MinProbability is the smallest share that a threshold can stand for. There is none for "never".
	MinProbability = 1.0 / space

	space   = 1 << 56
	hexBits = 4
)

// Threshold is T, 0 to 2^56 − 1: a trace is rejected below it. The zero value rejects nothing.
type Threshold uint64

// Randomness is R, 0 to 2^56 − 1.
type Randomness uint64

// Parse reads the value of `th`: 1 to 14 lower-case hex digits, to be continued with zeros.
func Parse(s string) (Threshold, error) {
	if len(s) == 0 || len(s) > Digits {
		return 0, fmt.Errorf("%d characters, want 1 to %d hex digits", len(s), Digits)
	}
	v, err := parseHex(s)
	if err != nil {
		return 0, err
	}
	return Threshold(v << (hexBits * (Digits - len(s)))), nil
}

// FromProbability gives the threshold of a share p of 2^-56 to 1, written with the given number of significant digits,
// 1 to 14. Leading f digits do not count as significant, so that the relative error of a small p stays the same.
func FromProbability(p float64, precision int) (Threshold, error) {
	if !(p >= MinProbability && p <= 1) { // also not NaN
		return 0, fmt.Errorf("%v, want 2^-56 to 1", p)
	}
	if precision < 1 || precision > Digits {
		return 0, fmt.Errorf("precision %d, want 1 to %d", precision, Digits)
	}
	t := space - uint64(math.Round(p*space))
	digits := min(precision+leadingF(t), Digits)
	drop := hexBits * (Digits - digits)
	// Rounding up cannot reach 2^56: the digit after the leading f's is at most e, and it is kept.
	half := uint64(1) << drop >> 1
	return Threshold((t + half) >> drop << drop), nil
}

// String gives the value of `th`, 1 to 14 digits without trailing zeros; "0" keeps everything.
func (t Threshold) String() string {
	s := strings.TrimRight(fmt.Sprintf("%014x", uint64(t)), "0")
	if s == "" {
		return "0"
	}
	return s
}

// Keeps is the sampling rule.
func (t Threshold) Keeps(r Randomness) bool { return uint64(r) >= uint64(t) }

// Probability is the share of traces that pass, 2^-56 to 1.
func (t Threshold) Probability() float64 { return float64(space-uint64(t)) / space }

// AdjustedCount is how many traces a kept one stands for, 1 to 2^56.
func (t Threshold) AdjustedCount() float64 { return space / float64(space-uint64(t)) }

// ParseRandomness reads the value of `rv`: exactly 14 lower-case hex digits.
func ParseRandomness(s string) (Randomness, error) {
	if len(s) != Digits {
		return 0, fmt.Errorf("%d characters, want %d hex digits", len(s), Digits)
	}
	v, err := parseHex(s)
	return Randomness(v), err
}

// OfTrace takes the randomness of a trace without `rv`: the last 7 bytes of its id.
func OfTrace(traceID [16]byte) Randomness {
	return Randomness(binary.BigEndian.Uint64(traceID[8:]) & (space - 1))
}

// String gives the value of `rv`, 14 digits.
func (r Randomness) String() string { return fmt.Sprintf("%014x", uint64(r)) }

func parseHex(s string) (uint64, error) {
	if strings.Trim(s, "0123456789abcdef") != "" {
		return 0, fmt.Errorf("%q, want lower-case hex digits", s)
	}
	return strconv.ParseUint(s, 16, 64)
}

// leadingF counts the f digits that t begins with.
func leadingF(t uint64) int { return bits.LeadingZeros64(^(t << 8)) / hexBits }
