package decide

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	commandVersion = 1

	kindBatch    = 1
	kindPolicies = 2
	kindLimit    = 3
)

// MaxLimit is the highest limit that a command may set.
const MaxLimit = 1 << 30

var errShort = errors.New("ends too early")

// EncodeBatch makes the command that takes the decisions that are not taken yet.
func EncodeBatch(now time.Time, proposals []Proposal) []byte {
	const perProposal, perCause = 16 + 8 + 1, 128
	var list []Cause
	places := map[Cause]uint64{}
	of := make([]uint64, len(proposals))
	for i, p := range proposals {
		c := Cause{Policy: p.Policy, Reason: p.Reason, Epoch: p.Epoch}
		at, ok := places[c]
		if !ok {
			at = uint64(len(list))
			places[c], list = at, append(list, c)
		}
		of[i] = at
	}
	b := make([]byte, 0, 32+perProposal*len(proposals)+perCause*len(list))
	b = append(b, commandVersion, kindBatch)
	b = binary.AppendVarint(b, now.UnixNano())
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, c := range list {
		b = appendText(appendText(b, c.Policy), c.Reason)
		b = binary.AppendUvarint(b, c.Epoch)
	}
	b = binary.AppendUvarint(b, uint64(len(proposals)))
	for i, p := range proposals {
		b = append(b, p.Trace[:]...)
		b = binary.BigEndian.AppendUint64(b, p.bits())
		b = binary.AppendUvarint(b, of[i])
	}
	return b
}

// EncodePolicies makes the command that replaces the policy set whose etag is given; "" is the one of no set.
func EncodePolicies(now time.Time, etag string, set []byte) []byte {
	b := append(make([]byte, 0, 64+len(set)), commandVersion, kindPolicies)
	b = binary.AppendVarint(b, now.UnixNano())
	return appendText(appendText(b, etag), string(set))
}

// EncodeLimit makes the command that sets how many decisions are remembered, 1 to MaxLimit.
func EncodeLimit(decisions int) []byte {
	return binary.AppendUvarint([]byte{commandVersion, kindLimit}, uint64(decisions))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes a command apart. After a fault everything reads as zero, and err tells the first.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	return skip(r, v, n)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return skip(r, v, n)
}

func skip[T any](r *reader, v T, n int) T {
	if n <= 0 {
		r.fail(errShort)
		var zero T
		return zero
	}
	r.rest = r.rest[n:]
	return v
}

// bytes gives n bytes of the command itself.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail(errShort)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// text refuses what a snapshot could not be restored with.
func (r *reader) text() string {
	n := r.uvarint()
	if n > maxTextBytes {
		r.fail(fmt.Errorf("text of %d bytes, want at most %d", n, maxTextBytes))
		return ""
	}
	return string(r.bytes(n))
}

// count reads how many items of at least the given size follow, so that a wrong number cannot ask for memory.
func (r *reader) count(itemBytes int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/itemBytes) {
		r.fail(errShort)
		return 0
	}
	return int(n)
}

func (r *reader) end() {
	if len(r.rest) > 0 {
		r.fail(fmt.Errorf("%d bytes too many", len(r.rest)))
	}
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}
