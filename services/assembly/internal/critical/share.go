package critical

import (
	"cmp"
	"slices"
)

// Share is the part of a path that one group of spans takes.
type Share[K comparable] struct {
	Key K
	// Nanoseconds of the path.
	Nanoseconds uint64
	// Of is the share, 0 to 1; over all groups and the gaps it sums up to 1.
	Of float64
}

// Shares sums the path by group, largest first, then by which came first. Gaps are in no group.
func Shares[K comparable](p Path, group func(span int32) K) []Share[K] {
	index := make(map[K]int)
	var shares []Share[K]
	var total uint64
	for _, s := range p.Segments {
		total += s.End - s.Start
		if s.Span < 0 {
			continue
		}
		key := group(s.Span)
		i, ok := index[key]
		if !ok {
			i = len(shares)
			index[key] = i
			shares = append(shares, Share[K]{Key: key})
		}
		shares[i].Nanoseconds += s.End - s.Start
	}
	for i := range shares {
		shares[i].Of = float64(shares[i].Nanoseconds) / float64(total)
	}
	slices.SortStableFunc(shares, func(x, y Share[K]) int { return cmp.Compare(y.Nanoseconds, x.Nanoseconds) })
	return shares
}
