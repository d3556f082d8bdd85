package logs

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/services/logs/internal/drain"
)

// The keys of the Pebble store. Times are nanoseconds since 1970, ordinals number the records of the store; both are
// big-endian, so keys sort by time. Lengths are two bytes.
//
//	'r' time ordinal                     → LogRecord
//	's' length service time ordinal      → entry
//	'x' trace id time ordinal            → entry
//	'p' length service template id       → template, JSON
//	'a' sender                           → position
//	'm'                                  → magic "tfLOG" version ordinal records bytes
//
// An entry holds the severity and the template id, so that a search looks only at records that it wants.
const (
	kindRecord   = 'r'
	kindService  = 's'
	kindTrace    = 'x'
	kindTemplate = 'p'
	kindMark     = 'a'
	kindMeta     = 'm'

	magic     = "tfLOG\x01"
	stampSize = 16
	entrySize = 1 + len(drain.ID{})
)

// stamp orders records: time, then the order of their coming.
type stamp [stampSize]byte

func makeStamp(t time.Time, ordinal uint64) (s stamp) {
	binary.BigEndian.PutUint64(s[:8], nanos(t))
	binary.BigEndian.PutUint64(s[8:], ordinal)
	return s
}

func (s stamp) time() uint64 { return binary.BigEndian.Uint64(s[:8]) }

// nanos gives the time for a key, at the nearest end when it is out of the range of nanoseconds since 1970.
func nanos(t time.Time) uint64 {
	switch {
	case t.Unix() < 0:
		return 0
	case t.Unix() >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return uint64(t.UnixNano())
}

func recordKey(s stamp) []byte { return append([]byte{kindRecord}, s[:]...) }

func servicePrefix(service string) []byte { return named(kindService, service) }

func tracePrefix(t id.Trace) []byte { return append([]byte{kindTrace}, t[:]...) }

func templateKey(service string, t drain.ID) []byte {
	return append(named(kindTemplate, service), t[:]...)
}

func named(kind byte, service string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(service))), service...)
}

// serviceOf reads the name out of a key that named made.
func serviceOf(key []byte) (string, error) {
	if len(key) < 3 || len(key) < 3+int(binary.BigEndian.Uint16(key[1:])) {
		return "", fmt.Errorf("key of %d bytes, want a name in it", len(key))
	}
	return string(key[3 : 3+binary.BigEndian.Uint16(key[1:])]), nil
}

// above gives the first key behind all that have the prefix.
func above(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

func makeEntry(severity int32, t drain.ID) []byte { return append([]byte{byte(severity)}, t[:]...) }
