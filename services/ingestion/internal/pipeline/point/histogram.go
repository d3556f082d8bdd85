package point

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// Fields of a HistogramDataPoint.
const (
	histogramCount  protowire.Number = 4
	histogramSum    protowire.Number = 5
	histogramCounts protowire.Number = 6
	histogramBounds protowire.Number = 7
	histogramMin    protowire.Number = 11
	histogramMax    protowire.Number = 12
)

// histogram has a bucket more than bounds, or neither.
type histogram struct {
	count         uint64
	sum, min, max optional
	counts        []uint64
	bounds        []float64
}

func (h *histogram) field(f *record.Field) bool {
	fixed := f.Type == protowire.Fixed64Type
	switch {
	case f.Num == histogramCounts:
		return eachFixed(f, func(v uint64) { h.counts = append(h.counts, v) })
	case f.Num == histogramBounds:
		return eachFixed(f, func(v uint64) { h.bounds = append(h.bounds, math.Float64frombits(v)) })
	case f.Num == histogramCount && fixed:
		h.count = f.Bits
	case f.Num == histogramSum && fixed:
		h.sum = known(f.Bits)
	case f.Num == histogramMin && fixed:
		h.min = known(f.Bits)
	case f.Num == histogramMax && fixed:
		h.max = known(f.Bits)
	}
	return true
}

// eachFixed reads a list of numbers of 64 bits, packed or not; false if it is cut off.
func eachFixed(f *record.Field, add func(uint64)) bool {
	switch f.Type {
	case protowire.Fixed64Type:
		add(f.Bits)
	case protowire.BytesType:
		v := f.Value
		for ; len(v) >= 8; v = v[8:] {
			add(binary.LittleEndian.Uint64(v))
		}
		return len(v) == 0
	}
	return true
}

func (h *histogram) reset()      { *h = histogram{counts: h.counts[:0], bounds: h.bounds[:0]} }
func (h *histogram) empty() bool { return false }

func (h *histogram) sound() bool {
	if len(h.counts) != len(h.bounds)+1 && len(h.counts)+len(h.bounds) > 0 {
		return false
	}
	for i, b := range h.bounds {
		if math.IsNaN(b) || i > 0 && h.bounds[i-1] >= b {
			return false
		}
	}
	sum := uint64(0)
	for _, n := range h.counts {
		var carry uint64
		if sum, carry = bits.Add64(sum, n, 0); carry != 0 {
			return false
		}
	}
	return len(h.counts) == 0 || sum == h.count
}

func (h *histogram) add(other body, _ How) bool {
	o := other.(*histogram)
	count, carry := bits.Add64(h.count, o.count, 0)
	if carry != 0 {
		return false
	}
	// No bucket overflows now, since each count is the sum of its buckets.
	h.count = count
	h.sum, h.min, h.max = h.sum.with(o.sum, plus), h.min.with(o.min, math.Min), h.max.with(o.max, math.Max)
	if len(h.counts) == 0 || len(o.counts) == 0 {
		h.counts, h.bounds = nil, nil
		return true
	}
	if !slices.Equal(h.bounds, o.bounds) {
		h.merge(o)
		return true
	}
	for i, n := range o.counts {
		h.counts[i] += n
	}
	return true
}

// merge adds the buckets between the bounds that both have.
func (h *histogram) merge(o *histogram) {
	var bounds []float64
	counts := []uint64{0}
	i, j := 0, 0
	for i < len(h.bounds) || j < len(o.bounds) {
		last := len(counts) - 1
		switch {
		case j == len(o.bounds) || i < len(h.bounds) && h.bounds[i] < o.bounds[j]:
			counts[last] += h.counts[i]
			i++
		case i == len(h.bounds) || o.bounds[j] < h.bounds[i]:
			counts[last] += o.counts[j]
			j++
		default:
			counts[last] += h.counts[i] + o.counts[j]
			bounds, counts = append(bounds, h.bounds[i]), append(counts, 0)
			i++
			j++
		}
	}
	counts[len(counts)-1] += h.counts[i] + o.counts[j]
	h.bounds, h.counts = bounds, counts
}

func (h *histogram) finish(How) {}

func (h *histogram) append(dst []byte) []byte {
	dst = appendFixed(dst, histogramCount, h.count)
	dst = h.sum.append(dst, histogramSum)
	if len(h.counts) > 0 {
		dst = appendList(dst, histogramCounts, len(h.counts), func(i int) uint64 { return h.counts[i] })
	}
	if len(h.bounds) > 0 {
		dst = appendList(dst, histogramBounds, len(h.bounds), func(i int) uint64 { return math.Float64bits(h.bounds[i]) })
	}
	return h.max.append(h.min.append(dst, histogramMin), histogramMax)
}

// appendList appends n numbers of 64 bits, packed.
func appendList(dst []byte, num protowire.Number, n int, at func(int) uint64) []byte {
	dst = protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.BytesType), uint64(8*n))
	for i := range n {
		dst = protowire.AppendFixed64(dst, at(i))
	}
	return dst
}
