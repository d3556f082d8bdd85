package ring

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A model of Offer, TakeBatch and Close at the grain of single loads, stores and compare-and-swaps, small enough to walk
// through all interleavings. Go's atomic operations are sequentially consistent, so an interleaving is all there is to a
// run. The numbers and the order of the steps are those of ring.go; what a step must not see is checked in it.

const (
	modelThreads   = 5
	modelCapacity  = 2
	modelPositions = 8 // positions that can be claimed in one run
	modelBatch     = 2
)

// step is where a thread stands: the next thing it will do.
type step uint8

const (
	idle step = iota
	offerLoadTail
	offerLoadSequence
	offerClaim
	offerWrite
	offerPublish
	takeLoadHead
	takeScan
	takeLoadHeadAgain
	takeClaim
	takeRead
	takeRelease
	closeTail
)

// order says which of writing and publishing comes first: in the ring, and in the fault planted in it.
type order bool

const (
	writeThenPublish order = false
	publishThenWrite order = true
)

type modelSlot struct{ sequence, value uint8 }

type modelThread struct {
	at       step
	left     uint8 // operations to go after this one
	position uint8
	n        uint8 // slots seen published by a scan, then slots still held
	batch    uint8 // limit of a take
	value    uint8 // what a producer offers, the same in none but increasing in each
}

// model is a whole state. It is comparable, so that a state is visited once.
type model struct {
	tail, head uint8
	closed     bool
	slots      [modelCapacity]modelSlot
	threads    [modelThreads]modelThread

	// What an observer knows: the value claimed for each position, and which were taken.
	accepted [modelPositions]uint8
	taken    [modelPositions]bool
}

func newModel(producers, offers, consumers, takes, batch uint8) model {
	var m model
	for i := range m.slots {
		m.slots[i].sequence = uint8(i)
	}
	for i := range producers {
		m.threads[i] = modelThread{at: offerLoadTail, left: offers - 1, value: 16*(i+1) + 1}
	}
	for i := range consumers {
		m.threads[producers+i] = modelThread{at: takeLoadHead, left: takes - 1, batch: batch}
	}
	return m
}

// advance runs the next step of thread i.
func (m *model) advance(i int, o order) error {
	t := &m.threads[i]
	switch t.at {
	case offerLoadTail, offerLoadSequence, offerClaim, offerWrite, offerPublish:
		return m.advanceOffer(t, o)
	case closeTail:
		m.closed = true
		t.at = idle
		return nil
	default:
		return m.advanceTake(t)
	}
}

func (m *model) advanceOffer(t *modelThread, o order) error {
	s := &m.slots[t.position%modelCapacity]
	switch t.at {
	case offerLoadTail:
		if m.closed {
			t.next(offerLoadTail)
			return nil
		}
		t.position, t.at = m.tail, offerLoadSequence
	case offerLoadSequence:
		switch {
		case s.sequence < t.position:
			if m.tail-m.head < modelCapacity && !m.any(takeRead, takeRelease) {
				return fmt.Errorf("refused value %d with %d of %d slots in use", t.value, m.tail-m.head, modelCapacity)
			}
			t.next(offerLoadTail)
		case s.sequence > t.position:
			t.at = offerLoadTail
		default:
			t.at = offerClaim
		}
	case offerClaim:
		if m.closed || m.tail != t.position {
			t.at = offerLoadTail
			return nil
		}
		m.tail++
		m.accepted[t.position] = t.value
		t.at = offerWrite
		if o == publishThenWrite {
			t.at = offerPublish
		}
	case offerWrite:
		if s.value != 0 {
			return fmt.Errorf("value %d written over %d", t.value, s.value)
		}
		s.value = t.value
		t.at = offerPublish
		if o == publishThenWrite {
			t.next(offerLoadTail)
		}
	case offerPublish:
		s.sequence = t.position + 1
		if o == publishThenWrite {
			t.at = offerWrite
			return nil
		}
		t.next(offerLoadTail)
	}
	return nil
}

func (m *model) advanceTake(t *modelThread) error {
	switch t.at {
	case takeLoadHead:
		t.position, t.n, t.at = m.head, 0, takeScan
	case takeScan:
		p := t.position + t.n
		if m.slots[p%modelCapacity].sequence == p+1 {
			t.n++
			if t.n < t.batch {
				return nil
			}
		}
		t.at = takeClaim
		if t.n == 0 {
			if m.head == t.position && m.tail != m.head && !m.any(offerWrite, offerPublish) {
				return fmt.Errorf("found nothing with %d values there", m.tail-m.head)
			}
			t.at = takeLoadHeadAgain
		}
	case takeLoadHeadAgain:
		if m.head != t.position {
			t.at = takeLoadHead
			return nil
		}
		t.next(takeLoadHead)
	case takeClaim:
		if m.head != t.position {
			t.at = takeLoadHead
			return nil
		}
		m.head += t.n
		t.at = takeRead
	case takeRead:
		s := &m.slots[t.position%modelCapacity]
		if s.value != m.accepted[t.position] {
			return fmt.Errorf("position %d: read %d, want %d", t.position, s.value, m.accepted[t.position])
		}
		if m.taken[t.position] {
			return fmt.Errorf("position %d: taken twice", t.position)
		}
		m.taken[t.position] = true
		s.value = 0
		t.at = takeRelease
	case takeRelease:
		m.slots[t.position%modelCapacity].sequence = t.position + modelCapacity
		t.position++
		t.n--
		t.at = takeRead
		if t.n == 0 {
			t.next(takeLoadHead)
		}
	}
	return nil
}

// next ends an operation: the thread starts the next one at the given step, or is done. What it remembers of the last one
// is forgotten, so that equal states compare equal.
func (t *modelThread) next(first step) {
	if t.left == 0 {
		*t = modelThread{}
		return
	}
	*t = modelThread{at: first, left: t.left - 1, batch: t.batch, value: t.value}
	if t.value != 0 {
		t.value++
	}
}

func (m *model) any(steps ...step) bool {
	for _, t := range m.threads {
		for _, s := range steps {
			if t.at == s {
				return true
			}
		}
	}
	return false
}

// race reports two threads that are both about to touch the value of one slot, which only atomic operations may order.
func (m *model) race() error {
	var owners [modelCapacity]int
	for i, t := range m.threads {
		if t.at != offerWrite && t.at != takeRead {
			continue
		}
		slot := t.position % modelCapacity
		if owners[slot] != 0 {
			return fmt.Errorf("threads %d and %d both own slot %d", owners[slot]-1, i, slot)
		}
		owners[slot] = i + 1
	}
	return nil
}

// settled checks what must hold when no thread is in the middle of anything: what was accepted was taken or is still
// there, in its slot, and the values of each producer lie in order.
func (m *model) settled() error {
	var last [8]uint8
	for p := range m.tail {
		v := m.accepted[p]
		if v <= last[v/16] {
			return fmt.Errorf("position %d: value %d after %d", p, v, last[v/16])
		}
		last[v/16] = v
		if m.taken[p] != (p < m.head) {
			return fmt.Errorf("position %d: taken %v with head %d", p, m.taken[p], m.head)
		}
		if s := m.slots[p%modelCapacity]; p >= m.head && s != (modelSlot{p + 1, v}) {
			return fmt.Errorf("position %d: slot is %v, want value %d", p, s, v)
		}
	}
	return nil
}

// explore visits every state that can be reached, and returns their number and the first fault.
func explore(start model, o order) (states int, err error) {
	seen := map[model]struct{}{start: {}}
	stack := []model{start}
	for len(stack) > 0 {
		m := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		moved := false
		for i := range m.threads {
			if m.threads[i].at == idle {
				continue
			}
			moved = true
			n := m
			if err := n.advance(i, o); err != nil {
				return len(seen), fmt.Errorf("thread %d at step %d: %w", i, m.threads[i].at, err)
			}
			if err := n.race(); err != nil {
				return len(seen), err
			}
			if _, ok := seen[n]; !ok {
				seen[n] = struct{}{}
				stack = append(stack, n)
			}
		}
		if !moved {
			if err := m.settled(); err != nil {
				return len(seen), err
			}
		}
	}
	return len(seen), nil
}

func TestNoInterleavingLosesDoublesTearsOrReorders(t *testing.T) {
	for _, tc := range []struct {
		name                                       string
		producers, offers, consumers, takes, batch uint8
		close                                      bool
	}{
		{"two producers, one consumer over three laps", 2, 3, 1, 4, 1, false},
		{"two producers, one consumer in batches", 2, 3, 1, 4, modelBatch, false},
		{"two producers, two consumers", 2, 2, 2, 2, 1, false},
		{"two producers, two consumers in batches", 2, 2, 2, 2, modelBatch, false},
		{"three producers, one consumer in batches", 3, 2, 1, 3, modelBatch, false},
		{"three producers, two consumers", 3, 1, 2, 2, modelBatch, false},
		{"two producers, a consumer and a close", 2, 2, 1, 3, modelBatch, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newModel(tc.producers, tc.offers, tc.consumers, tc.takes, tc.batch)
			if tc.close {
				m.threads[modelThreads-1].at = closeTail
			}
			states, err := explore(m, writeThenPublish)
			require.NoError(t, err)
			t.Logf("%d states", states)
		})
	}
}

// The model would be worth nothing if it could not fail.
func TestTheModelFindsAPositionThatIsPublishedBeforeItIsWritten(t *testing.T) {
	_, err := explore(newModel(1, 1, 1, 1, 1), publishThenWrite)
	require.Error(t, err)
}
