package point

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// Fields of a NumberDataPoint.
const (
	numberDouble protowire.Number = 4
	numberInt    protowire.Number = 6
)

// number is a whole number, or one with a fraction.
type number struct {
	there, whole bool
	int          int64
	double       float64
	count        int // points in it, beside the first
}

func (n *number) field(f *record.Field) bool {
	if f.Type != protowire.Fixed64Type {
		return true
	}
	switch f.Num {
	case numberDouble:
		*n = number{there: true, double: math.Float64frombits(f.Bits)}
	case numberInt:
		*n = number{there: true, whole: true, int: int64(f.Bits)}
	}
	return true
}

func (n *number) reset()      { *n = number{} }
func (n *number) empty() bool { return !n.there }
func (n *number) sound() bool { return true }

func (n *number) float() float64 {
	if n.whole {
		return float64(n.int)
	}
	return n.double
}

func (n *number) add(other body, how How) bool {
	o := other.(*number)
	count := n.count + 1
	switch how {
	case Sum:
		n.sum(o)
	case Last:
		*n = *o
	case Min:
		if o.less(n) {
			*n = *o
		}
	case Max:
		if n.less(o) {
			*n = *o
		}
	case Mean:
		*n = number{there: true, double: n.float() + o.float()}
	}
	n.count = count
	return true
}

// sum adds whole numbers as such, as long as they fit.
func (n *number) sum(o *number) {
	if n.whole && o.whole {
		if sum := n.int + o.int; (sum > n.int) == (o.int > 0) {
			n.int = sum
			return
		}
	}
	*n = number{there: true, double: n.float() + o.float()}
}

func (n *number) less(o *number) bool {
	if n.whole && o.whole {
		return n.int < o.int
	}
	return n.float() < o.float()
}

func (n *number) finish(how How) {
	if how == Mean && n.count > 0 {
		n.double /= float64(n.count + 1)
	}
}

func (n *number) append(dst []byte) []byte {
	switch {
	case !n.there:
		return dst
	case n.whole:
		dst = protowire.AppendTag(dst, numberInt, protowire.Fixed64Type)
		return protowire.AppendFixed64(dst, uint64(n.int))
	}
	return known(math.Float64bits(n.double)).append(dst, numberDouble)
}
