// Package critical finds the critical path of a trace: the stretches of self time that determined when it ended.
//
// It is not a longest path over span durations, which would count a parent's time again for each child. It is a walk
// back in time from the end of the trace, as CRISP does it (Zhang et al., "CRISP: Critical Path Analysis of
// Large-Scale Microservice Architectures", USENIX ATC 2022, §3), made to hold for traces that are not well nested:
//
//  1. The walk begins at the end of the trace, in the span that ends there.
//  2. In a span at time t, the child that ended last at or before t is what the span waited for: the time from the
//     child's end to t is the span's own, and the walk goes on in the child at its end. Children that run at t have
//     not been waited for and are passed over: they are concurrent, or asynchronous.
//  3. At the start of a span the walk goes on in its parent at that time. Where the parent had ended before, as with a
//     message in a queue, the time between is a gap: it belongs to no span.
//  4. At the start of a top (root, orphan, cut cycle) it goes on in another top that started earlier, the one whose
//     tree ends last; a gap lies between if that tree had ended before.
//
// So an asynchronous child that outlives its parent is on the path only if the end of the trace is its own or that of
// something it caused. Two rules keep clocks that differ from tearing the path: a span counts from its parent's start
// at the earliest, and a server span that its client waits for counts to the client's end at the latest.
//
// Invariants, for any input: the segments tile [start of the trace, end of the trace] without overlap; every span is
// walked at most once; the cost is O(n log n).
package critical

import (
	"cmp"
	"slices"

	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// Segment is a stretch of time, in Unix nanoseconds, that one span's own work took.
type Segment struct {
	// Span is an index into the tree's spans, or tree.None for a gap.
	Span       int32
	Start, End uint64
}

// Path is the critical path of a trace.
type Path struct {
	// Segments in order of time; each ends where the next begins.
	Segments []Segment
	// Clipped counts the spans on the path that were cut to fit their parent.
	Clipped int
}

// Find gives the critical path of t. It is empty if no span has a time.
func Find(t *tree.Tree) Path {
	if t.Start == t.End {
		return Path{}
	}
	w := newWalk(t)
	w.run()
	slices.Reverse(w.segments)
	return Path{Segments: w.segments, Clipped: w.clipped}
}

// walk goes back in time.
type walk struct {
	tree     *tree.Tree
	segments []Segment // latest first
	clipped  int

	from  []uint64  // earliest time at which a span counts
	until []uint64  // latest time at which a span counts for its parent
	queue [][]int32 // children of a span that may still be waited for, last to end at the back; nil before the first visit

	tops []int32 // tops with a time, by from
	best []int32 // best[k] is the top whose tree ends last, of tops[:k+1]
	top  []int32 // top of each span
	last []int32 // by top: the span of its tree that ends last
}

func newWalk(t *tree.Tree) *walk {
	n := len(t.Spans)
	w := &walk{
		tree: t, from: make([]uint64, n), until: make([]uint64, n), queue: make([][]int32, n),
		top: make([]int32, n), last: make([]int32, n),
	}
	for i := range w.top {
		w.top[i], w.last[i] = tree.None, tree.None
	}
	for _, i := range t.Tops {
		w.settle(i)
	}
	for _, i := range t.Tops {
		if w.last[i] == tree.None || !t.Timed(i) {
			continue
		}
		w.tops = append(w.tops, i)
		b := i
		if k := len(w.best); k > 0 && w.end(w.last[w.best[k-1]]) >= w.end(w.last[i]) {
			b = w.best[k-1]
		}
		w.best = append(w.best, b)
	}
	return w
}

// settle computes from, until, top and last for the tree under a top, parents first.
func (w *walk) settle(top int32) {
	t := w.tree
	for stack := []int32{top}; len(stack) > 0; {
		i := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], t.Children(i)...)
		s := &t.Spans[i]
		w.top[i], w.from[i], w.until[i] = top, s.Start, s.End
		if p := t.Parent[i]; p != tree.None {
			w.from[i] = max(s.Start, w.from[p])
			if s.Kind == tree.Server && t.Spans[p].Kind == tree.Client && t.Timed(p) {
				w.until[i] = min(s.End, t.Spans[p].End)
			}
		}
		if l := w.last[top]; t.Timed(i) && (l == tree.None || w.end(i) > w.end(l)) {
			w.last[top] = i
		}
	}
}

// end is when i ends, but not before it counts.
func (w *walk) end(i int32) uint64 { return max(w.tree.Spans[i].End, w.from[i]) }

func (w *walk) run() {
	at, now := w.enter(w.tree.End)
	for at != tree.None {
		if c := w.waitedFor(at, now); c != tree.None {
			now = w.add(at, w.until[c], now)
			at = c
			continue
		}
		now = w.add(at, min(w.from[at], now), now)
		at, now = w.leave(at, now)
	}
	w.add(tree.None, w.tree.Start, now)
}

// waitedFor gives the child of i that ended last at or before now.
func (w *walk) waitedFor(i int32, now uint64) int32 {
	q := w.queue[i]
	if q == nil {
		q = append(make([]int32, 0, len(w.tree.Children(i))), w.tree.Children(i)...)
		slices.SortStableFunc(q, func(x, y int32) int {
			return cmp.Or(cmp.Compare(w.until[x], w.until[y]), cmp.Compare(w.from[y], w.from[x]))
		})
	}
	found := tree.None
	for len(q) > 0 && found == tree.None {
		c := q[len(q)-1]
		q = q[:len(q)-1]
		if w.until[c] <= now && w.from[c] < w.until[c] {
			found = c
		}
	}
	w.queue[i] = q
	return found
}

// leave goes from the start of i to what was there before: its parent, else another top.
func (w *walk) leave(i int32, now uint64) (int32, uint64) {
	if w.from[i] > w.tree.Spans[i].Start {
		w.clipped++
	}
	p := w.tree.Parent[i]
	for p != tree.None && !w.tree.Timed(p) {
		p = w.tree.Parent[p]
	}
	if p == tree.None {
		return w.enter(now)
	}
	return p, w.add(tree.None, min(w.end(p), now), now)
}

// enter finds, among the tops that started before now, the one whose tree ends last, and the span in it that ends
// last before now or runs then.
func (w *walk) enter(now uint64) (int32, uint64) {
	k, _ := slices.BinarySearchFunc(w.tops, now, func(i int32, t uint64) int { return cmp.Compare(w.from[i], t) })
	if k == 0 {
		return tree.None, now
	}
	top := w.best[k-1]
	at := w.last[top]
	if w.end(at) > now {
		at = w.runningAt(top, now)
	}
	return at, w.add(tree.None, min(w.end(at), now), now)
}

// runningAt looks through the tree of a top for the span that ends last, where none counts beyond now; of several, the
// first to start. A tree is looked through once, since the walk leaves it at its start.
func (w *walk) runningAt(top int32, now uint64) int32 {
	best := top
	for stack := []int32{top}; len(stack) > 0; {
		i := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], w.tree.Children(i)...)
		if !w.tree.Timed(i) || w.from[i] >= now {
			continue
		}
		if cmp.Or(cmp.Compare(min(w.end(i), now), min(w.end(best), now)), cmp.Compare(w.from[best], w.from[i])) > 0 {
			best = i
		}
	}
	return best
}

// add notes that [from, to) was spent in i, and gives from.
func (w *walk) add(i int32, from, to uint64) uint64 {
	if from >= to {
		return to
	}
	if n := len(w.segments); n > 0 && w.segments[n-1].Span == i && w.segments[n-1].Start == to {
		w.segments[n-1].Start = from
		return from
	}
	w.segments = append(w.segments, Segment{Span: i, Start: from, End: to})
	return from
}
