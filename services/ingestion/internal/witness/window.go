package witness

import "container/heap"

// window is what is remembered of one collector: the batches that it signed last by its own clock, at most size of them.
//
// Invariant: a receipt that was ever taken is in known, or not later than floor. So nothing that is shown again changes
// anything, and what is remembered does not depend on the order in which receipts are shown.
type window struct {
	size  int
	known map[Batch]*word
	order byTime
	floor int64 // the latest receipt that was forgotten
}

// word is what a collector says of a batch.
type word struct {
	receipts []Receipt // one, or two with different digests
	latest   int64     // time of the latest receipt that was shown
	at       int       // in window.order
}

// note is how a window took a receipt.
type note uint8

const (
	again note = iota // it says nothing new
	stale             // it is older than what is remembered
	fresh             // it is remembered
)

// take remembers a receipt.
func (w *window) take(r Receipt) note {
	known := w.known[r.Batch]
	switch {
	case known != nil && known.receipts[0].Digest == r.Digest && r.Time <= known.latest:
		return again
	case r.Time <= w.floor:
		return stale
	case known == nil:
		return w.open(r)
	}
	if r.Time > known.latest {
		known.latest = r.Time
		heap.Fix(&w.order, known.at)
	}
	// Two are proof enough, more would be without bound.
	if len(known.receipts) == 2 || known.receipts[0].Digest == r.Digest {
		return again
	}
	known.receipts = append(known.receipts, r)
	return fresh
}

// open remembers a batch that was not known, and forgets the oldest one if there are too many.
func (w *window) open(r Receipt) note {
	opened := &word{receipts: []Receipt{r}, latest: r.Time}
	w.known[r.Batch] = opened
	heap.Push(&w.order, opened)
	if len(w.order) > w.size {
		oldest := heap.Pop(&w.order).(*word)
		delete(w.known, oldest.receipts[0].Batch)
		w.floor = oldest.latest
		if oldest == opened {
			return stale
		}
	}
	return fresh
}

// byTime is a heap with the word that is the oldest by its latest receipt first.
type byTime []*word

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, j int) bool { return b[i].latest < b[j].latest }

func (b byTime) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].at, b[j].at = i, j
}

// Push implements heap.Interface.
func (b *byTime) Push(x any) {
	w := x.(*word)
	w.at = len(*b)
	*b = append(*b, w)
}

// Pop implements heap.Interface.
func (b *byTime) Pop() any {
	last := len(*b) - 1
	w := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return w
}
