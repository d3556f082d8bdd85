package handoff

import (
	"sort"
	"sync"
)

// Tracker turns batches that are done in any order into one position up to which all are done. The zero value is
// ready; its methods may be called by many goroutines.
type Tracker struct {
	mu      sync.Mutex // guards all
	open    []tracked  // by position; the first is not done
	highest uint64     // begun
	done    uint64     // all begun up to it are done
}

type tracked struct {
	position uint64
	done     bool
}

// Begin says that position is under way; positions rise, and may leave gaps. It is false for one that does not rise.
func (t *Tracker) Begin(position uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if position <= t.highest {
		return false
	}
	t.highest = position
	t.open = append(t.open, tracked{position: position})
	return true
}

// Done says that nothing more is to be done for position. Repeating it, or a position that was never begun, changes nothing.
func (t *Tracker) Done(position uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := sort.Search(len(t.open), func(i int) bool { return t.open[i].position >= position })
	if i == len(t.open) || t.open[i].position != position {
		return
	}
	t.open[i].done = true
	n := 0
	for n < len(t.open) && t.open[n].done {
		t.done = t.open[n].position
		n++
	}
	t.open = t.open[n:]
}

// Position is where everything at or below is done, of what was begun; 0 while the first one begun is not.
func (t *Tracker) Position() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done
}

// Open counts what lies between the first batch that is not done and the last that was begun, both included.
func (t *Tracker) Open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}
