package soak

import (
	"fmt"
	"hash/crc32"
	"math/bits"
	"sync"
)

// tally knows of the items of one signal which were sent, acknowledged and received. Many goroutines may use it.
type tally struct {
	mu      sync.Mutex // guards the rest
	next    uint64     // the first number not given out
	taken   set        // acknowledged
	came    set
	batches map[uint64]uint32 // digest of the payload by position
	again   int               // batches that came once more
	twice   []uint64          // items that came at more than one position
	changed []uint64          // positions that came with another payload than before
}

func newTally() *tally { return &tally{next: 1, batches: map[uint64]uint32{}} }

// draw gives out n numbers and returns the first.
func (t *tally) draw(n int) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.next
	t.next += uint64(n)
	return first
}

// acknowledged notes that n items from first on are Triflow's now.
func (t *tally) acknowledged(first uint64, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range uint64(n) {
		t.taken.add(first + i)
	}
}

// received notes a batch. One that came before, as its position tells, counts once.
func (t *tally) received(position uint64, payload []byte, items []uint64) {
	digest := crc32.ChecksumIEEE(payload)
	t.mu.Lock()
	defer t.mu.Unlock()
	if before, known := t.batches[position]; known {
		t.again++
		if before != digest {
			t.changed = append(t.changed, position)
		}
		return
	}
	t.batches[position] = digest
	for _, n := range items {
		if !t.came.add(n) {
			t.twice = append(t.twice, n)
		}
	}
}

// lost is how many items were acknowledged and did not come.
func (t *tally) lost() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for i, word := range t.taken.words {
		n += bits.OnesCount64(word &^ t.came.word(i))
	}
	return n
}

// verdict says what is wrong, nil if every acknowledged item came once, but for batches that are told by their position.
func (t *tally) verdict() error {
	lost := t.lost()
	t.mu.Lock()
	defer t.mu.Unlock()
	if lost > 0 || len(t.twice) > 0 || len(t.changed) > 0 {
		return fmt.Errorf("%d of %d acknowledged items lost, %d came twice, %d positions came with something else",
			lost, t.taken.size, len(t.twice), len(t.changed))
	}
	return nil
}

// String tells the counts.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d items sent, %d acknowledged, %d received in %d batches, of which %d came again",
		t.next-1, t.taken.size, t.came.size, len(t.batches), t.again)
}

// set holds numbers, densely.
type set struct {
	words []uint64
	size  int
}

// add says whether n is new.
func (s *set) add(n uint64) bool {
	i, bit := int(n/64), uint64(1)<<(n%64)
	if i >= len(s.words) {
		s.words = append(s.words, make([]uint64, i+1-len(s.words)+len(s.words)/2)...)
	}
	if s.words[i]&bit != 0 {
		return false
	}
	s.words[i] |= bit
	s.size++
	return true
}

func (s *set) word(i int) uint64 {
	if i < len(s.words) {
		return s.words[i]
	}
	return 0
}
