package arrival

import (
	"math"
	"math/bits"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// A bucket is an eighth of an octave: lags with the same highest bit and the same three bits behind it.
const (
	fine    = 3
	lowest  = 17 // the first octave begins at 2^17 ns
	octaves = 28
	buckets = octaves<<fine + 1 // the last is for all that is longer
	shortest,
	longest = 1 << lowest, 1 << (lowest + octaves)
)

// histogram counts items by lag. A count that does not fit stays at the highest number.
type histogram [buckets]uint32

// bucket of a lag in ns; the first also takes what is shorter.
func bucket(lag uint64) int {
	switch {
	case lag < shortest:
		return 0
	case lag >= longest:
		return buckets - 1
	}
	octave := bits.Len64(lag) - 1
	return (octave-lowest)<<fine + int(lag>>(octave-fine)&(1<<fine-1))
}

// middle of a bucket in ns; for the last one its lower bound.
func middle(i int) time.Duration {
	if i == buckets-1 {
		return longest
	}
	width := uint64(1) << (lowest + i>>fine - fine)
	low := uint64(1<<fine+i&(1<<fine-1)) * width
	return time.Duration(low + width/2)
}

func (h *histogram) add(i int, n uint64) {
	h[i] = uint32(min(uint64(h[i])+n, math.MaxUint32))
}

func (h *histogram) merge(g *histogram) {
	for i, n := range g {
		if n > 0 {
			h.add(i, uint64(n))
		}
	}
}

func (h *histogram) items() (n uint64) {
	for _, c := range h {
		n += uint64(c)
	}
	return n
}

// quantile gives the lag that a share q of the items, above 0 to 1, do not exceed; false without items.
func (h *histogram) quantile(q float64) (time.Duration, bool) {
	items := h.items()
	rank := uint64(math.Ceil(q * float64(items)))
	for i, n := range h {
		if n > 0 && uint64(n) >= rank {
			return middle(i), true
		}
		rank -= min(rank, uint64(n))
	}
	return 0, false
}

// proto gives the distribution; nil without items.
func (h *histogram) proto() *ingestionv1.Lag {
	p50, known := h.quantile(0.5)
	if !known {
		return nil
	}
	p99, _ := h.quantile(0.99)
	return &ingestionv1.Lag{P50: durationpb.New(p50), P99: durationpb.New(p99), Items: h.items()}
}

// window is the lags of the present minute and of the one before it.
type window struct {
	minutes [2]int64 // since 1970: what the histograms are of
	halves  [2]histogram
}

// at gives the histogram of the minute of now.
func (w *window) at(now time.Time) *histogram {
	minute := now.Unix() / 60
	half := minute & 1
	if w.minutes[half] != minute {
		w.minutes[half] = minute
		w.halves[half] = histogram{}
	}
	return &w.halves[half]
}

// into adds what is not too old to h.
func (w *window) into(h *histogram, now time.Time) {
	minute := now.Unix() / 60
	for half, of := range w.minutes {
		if of == minute || of == minute-1 {
			h.merge(&w.halves[half])
		}
	}
}
