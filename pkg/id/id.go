// Package id holds the identifiers of telemetry as types, so that a swapped argument does not compile, and makes
// ids for records that sort by time.
package id

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// Trace is a W3C trace id; the zero value is invalid.
type Trace [16]byte

// Span is a W3C span id; the zero value is invalid, and as a parent it means "none".
type Span [8]byte

// ParseTrace reads 32 hex digits in either case. An id of zeros is an error.
func ParseTrace(s string) (Trace, error) {
	var t Trace
	if err := parse(t[:], s); err != nil {
		return Trace{}, err
	}
	return t, nil
}

// ParseSpan reads 16 hex digits in either case. An id of zeros is an error.
func ParseSpan(s string) (Span, error) {
	var p Span
	if err := parse(p[:], s); err != nil {
		return Span{}, err
	}
	return p, nil
}

func parse(dst []byte, s string) error {
	if len(s) != 2*len(dst) {
		return fmt.Errorf("%d characters, want %d hex digits", len(s), 2*len(dst))
	}
	if _, err := hex.Decode(dst, []byte(s)); err != nil {
		return fmt.Errorf("%q, want %d hex digits", s, 2*len(dst))
	}
	for _, b := range dst {
		if b != 0 {
			return nil
		}
	}
	return fmt.Errorf("all zero, want an id")
}

// String gives 32 lower-case hex digits.
func (t Trace) String() string { return hex.EncodeToString(t[:]) }

// IsZero tells that there is no id.
func (t Trace) IsZero() bool { return t == Trace{} }

// Compare orders trace ids by their bytes.
func (t Trace) Compare(u Trace) int {
	a, b := binary.BigEndian.Uint64(t[:8]), binary.BigEndian.Uint64(u[:8])
	if a == b {
		a, b = binary.BigEndian.Uint64(t[8:]), binary.BigEndian.Uint64(u[8:])
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// String gives 16 lower-case hex digits.
func (p Span) String() string { return hex.EncodeToString(p[:]) }

// IsZero tells that there is no id.
func (p Span) IsZero() bool { return p == Span{} }

// New makes an id that sorts by time as text: the time in UTC to the millisecond, and 32 bits of the given randomness
// to tell ids of one millisecond apart.
func New(now time.Time, random uint32) string {
	return fmt.Sprintf("%s-%08x", now.UTC().Format("20060102T150405.000"), random)
}
