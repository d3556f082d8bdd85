package meter

import (
	"cmp"
	"slices"

	"github.com/triflow/triflow/services/anomaly/internal/delta"
)

// Point is one point of a stream. Times are Unix ns.
type Point struct {
	Start, At int64
	Number    delta.Number // of a gauge or sum, as it came
	Count     uint64       // of a distribution, as it came
	Sum       float64      // of a distribution, as it came, if HasSum
	// What was added to a total since the point before, or in the point's own interval; a sum's value is in AddedSum.
	AddedCount  uint64
	AddedSum    float64
	HasSum      bool
	HasAdded    bool
	HasAddedSum bool
	// What is odd about it.
	Gap       bool // says that there is no value; nothing else is set
	NonFinite bool // its number or sum is NaN or infinite
	First     bool // of a sequence of totals that is not known from its start
	Reset     bool // its total began again
}

// Figures count the points of a stream since it is followed.
type Figures struct {
	Finite, NonFinite, Gaps uint64
	Resets                  uint64
	Duplicates              uint64  // of a point that was known
	Late                    uint64  // too late to be told from a duplicate, or to matter
	Mean                    float64 // of the finite numbers of a gauge or sum
}

// history holds the last points by time, then start.
type history struct {
	Points  []Point
	Figures Figures
	keep    int
}

// admits tells whether a point is new; if not, it is counted. It goes by its times only.
func (h *history) admits(p Point) bool {
	_, known := slices.BinarySearchFunc(h.Points, p, byTime)
	switch {
	case known:
		h.Figures.Duplicates++
	case len(h.Points) == h.keep && byTime(p, h.Points[0]) < 0:
		h.Figures.Late++
	default:
		return true
	}
	return false
}

// note takes in a point that was admitted, and lets the oldest go.
func (h *history) note(p Point) {
	h.count(p)
	at, _ := slices.BinarySearchFunc(h.Points, p, byTime)
	if len(h.Points) == h.keep {
		copy(h.Points, h.Points[1:at])
		h.Points[at-1] = p
		return
	}
	h.Points = slices.Insert(h.Points, at, p)
}

func (h *history) count(p Point) {
	f := &h.Figures
	if p.Reset {
		f.Resets++
	}
	switch {
	case p.Gap:
		f.Gaps++
	case p.NonFinite:
		f.NonFinite++
	default:
		f.Finite++
		n := float64(f.Finite)
		f.Mean += p.Number.Float()/n - f.Mean/n // divided first, so that it cannot overflow
	}
}

// last is the time of the latest point, 0 without one.
func (h *history) last() int64 {
	if len(h.Points) == 0 {
		return 0
	}
	return h.Points[len(h.Points)-1].At
}

// before is the time of the latest point that is earlier, 0 without one.
func (h *history) before(at int64) int64 {
	i, _ := slices.BinarySearchFunc(h.Points, at, func(p Point, at int64) int { return cmp.Compare(p.At, at) })
	if i == 0 {
		return 0
	}
	return h.Points[i-1].At
}

func byTime(a, b Point) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Start, b.Start)) }
