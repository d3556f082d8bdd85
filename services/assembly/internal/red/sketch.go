package red

import "math/bits"

// Sketch counts durations in buckets that are a sixteenth of a power of two wide, so that a quantile is at most 1/33
// (3.1 %) off from 1 µs to 39 h; what is shorter or longer counts at the ends. Adding sketches adds their counts, which
// is exact. The zero value is empty. It holds only the buckets between its smallest and its largest, at most 593.
type Sketch struct {
	counts []uint32
	first  uint16 // bucket of counts[0]
	total  uint64
}

const (
	octave   = 16 // buckets of a power of two
	lowBits  = 10 // below 2^10 ns all is one bucket
	highBits = 47 // from 2^47 ns on all is the last bucket
	buckets  = (highBits-lowBits)*octave + 1
)

// bucket of a duration in nanoseconds.
func bucket(ns uint64) uint16 {
	switch {
	case ns < 1<<lowBits:
		return 0
	case ns >= 1<<highBits:
		return buckets - 1
	}
	exp := bits.Len64(ns) - 1
	sub := ns >> (exp - 4) & (octave - 1)
	return uint16((exp-lowBits)*octave + int(sub) + 1)
}

// middle gives the duration that a bucket stands for: the one with the smallest largest relative error.
func middle(b uint16) float64 {
	if b == 0 {
		return 1 << (lowBits - 1)
	}
	exp, sub := int(b-1)/octave+lowBits, int(b-1)%octave
	width := float64(uint64(1) << (exp - 4))
	lo := float64(octave+sub) * width
	return 2 * lo * (lo + width) / (2*lo + width)
}

// Add counts one duration in nanoseconds.
func (s *Sketch) Add(ns uint64) {
	b := bucket(ns)
	s.reach(b, b)
	s.counts[b-s.first]++
	s.total++
}

// Merge adds the counts of t.
func (s *Sketch) Merge(t *Sketch) {
	if t.total == 0 {
		return
	}
	s.reach(t.first, t.first+uint16(len(t.counts))-1)
	for i, n := range t.counts {
		s.counts[int(t.first-s.first)+i] += n
	}
	s.total += t.total
}

// Count of the durations.
func (s *Sketch) Count() uint64 { return s.total }

// Quantile gives the q-quantile in nanoseconds, for q from 0 to 1, and whether there is one.
func (s *Sketch) Quantile(q float64) (float64, bool) {
	if s.total == 0 {
		return 0, false
	}
	rank := uint64(q * float64(s.total-1))
	for i, n := range s.counts {
		if rank < uint64(n) {
			return middle(s.first + uint16(i)), true
		}
		rank -= uint64(n)
	}
	return middle(s.first + uint16(len(s.counts)) - 1), true
}

// reset empties s and keeps its memory.
func (s *Sketch) reset() { s.counts, s.total = s.counts[:0], 0 }

// reach makes room for the buckets lo to hi.
func (s *Sketch) reach(lo, hi uint16) {
	if len(s.counts) == 0 {
		s.first = lo
	}
	if lo < s.first {
		n := int(s.first - lo)
		old := len(s.counts)
		s.counts = append(s.counts, make([]uint32, n)...)
		copy(s.counts[n:], s.counts[:old])
		clear(s.counts[:n])
		s.first = lo
	}
	if n := int(hi-s.first) + 1 - len(s.counts); n > 0 {
		s.counts = append(s.counts, make([]uint32, n)...)
	}
}
