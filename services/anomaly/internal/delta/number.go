package delta

// Number is the total of a sum that only rises, exact for integers.
type Number struct {
	Int    int64 // if IsInt
	Double float64
	IsInt  bool
}

// Float gives the nearest floating-point number.
func (n Number) Float() float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Double
}

// Since implements Total. Between an integer and none both count as floating-point numbers.
func (n Number) Since(before Number) (Number, bool) {
	if n.IsInt && before.IsInt {
		// The difference of two integers may be beyond 64 bits, though not that of two totals that began at zero.
		added := n.Int - before.Int
		return Number{Int: added, IsInt: true}, n.Int >= before.Int && added >= 0
	}
	return Number{Double: n.Float() - before.Float()}, n.Float() >= before.Float()
}
