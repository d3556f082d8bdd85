package assembly

import (
	"encoding/binary"
	"time"

	"github.com/triflow/triflow/pkg/id"
)

// Keys of the embedded store. Numbers are big-endian, so that keys sort by them; ^start sorts the newest first.
//
//	"f" number                          → version, number of arrivals, arrivals × (spans, time), spans as an OTLP request
//	                                      in an s2 block; version 1 has no arrivals
//	"i" ^start trace                    → row
//	"s" service 0 ^start trace          → nothing
//	"t" trace                           → start, then number and length of each fragment
//	"d" hour trace                      → nothing: a drop committed in that hour
//	"a" sender                          → position, spans
//	"m" sender 0 position trace         → spans
//	"l"                                 → totals, next fragment number, bytes stored
const (
	prefixFragment = 'f'
	prefixTime     = 'i'
	prefixService  = 's'
	prefixTrace    = 't'
	prefixDropped  = 'd'
	prefixAccount  = 'a'
	prefixMarker   = 'm'
	prefixTotals   = 'l'
)

// timeKeyTail is the length of what time and service keys end with: ^start and trace.
const timeKeyTail = 8 + 16

func fragmentKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixFragment}, number)
}

func appendStart(dst []byte, start int64) []byte {
	return binary.BigEndian.AppendUint64(dst, ^uint64(start))
}

func timeKey(start int64, t id.Trace) []byte {
	return append(appendStart([]byte{prefixTime}, start), t[:]...)
}

// servicePrefix begins the keys of a service. A service with a zero byte in its name shares them with another at worst,
// and the row tells the two apart.
func servicePrefix(service string) []byte {
	return append(append([]byte{prefixService}, service...), 0)
}

func serviceKey(service string, start int64, t id.Trace) []byte {
	return append(appendStart(servicePrefix(service), start), t[:]...)
}

func traceKey(t id.Trace) []byte { return append([]byte{prefixTrace}, t[:]...) }

func hourOf(t time.Time) uint64 { return uint64(t.Unix()) / 3600 }

func droppedKey(hour uint64, t id.Trace) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{prefixDropped}, hour), t[:]...)
}

func accountKey(sender string) []byte { return append([]byte{prefixAccount}, sender...) }

func markerKey(sender string, position uint64, t id.Trace) []byte {
	return append(markerPrefix(sender, position), t[:]...)
}

func markerPrefix(sender string, position uint64) []byte {
	key := append(append([]byte{prefixMarker}, sender...), 0)
	return binary.BigEndian.AppendUint64(key, position)
}

// parseMarkerKey reads a marker's key from its end, where the lengths are known.
func parseMarkerKey(key []byte) (Marker, bool) {
	var m Marker
	n := len(key) - 16 - 8 - 1
	if n < 1 {
		return m, false
	}
	m.Sender = string(key[1:n])
	m.Position = binary.BigEndian.Uint64(key[n+1:])
	copy(m.Trace[:], key[n+1+8:])
	return m, true
}

// after is the first key behind every key that begins with prefix.
func after(prefix []byte) []byte {
	end := append([]byte{}, prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// place is where the spans of a trace are.
type place struct {
	start     int64 // Unix ns of the trace's start, as in its time key
	fragments []piece
}

// piece is a stored fragment.
type piece struct{ number, bytes uint64 }

func appendPlace(dst []byte, p place) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.start))
	for _, f := range p.fragments {
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, f.number), f.bytes)
	}
	return dst
}

func parsePlace(b []byte) (place, bool) {
	if len(b) < 8 {
		return place{}, false
	}
	p := place{start: int64(binary.BigEndian.Uint64(b))}
	r := reader{b: b[8:]}
	for len(r.b) > 0 {
		p.fragments = append(p.fragments, piece{number: r.uvarint(), bytes: r.uvarint()})
	}
	return p, !r.bad
}
