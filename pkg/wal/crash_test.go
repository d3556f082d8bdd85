package wal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// happening is something that was begun or done when the journal of the disk had so many steps.
type happening struct {
	steps    int
	appended Record    // begun, when Data is set
	stored   uint64    // acknowledged position
	released [2]uint64 // how far the marks were told to go
}

// script is a run of a log on a disk that keeps a journal.
type script struct {
	log   *Log
	marks [2]*Mark
	disk  *memory
	past  []happening
}

func (s *script) note(h happening) {
	s.disk.set(func() { h.steps = len(s.disk.journal) })
	s.past = append(s.past, h)
}

// append stores a record whose data says its position.
func (s *script) append(t *testing.T, position uint64, size int) {
	data := fmt.Sprintf("%d %s", position, strings.Repeat("x", size))
	s.note(happening{appended: Record{Position: position, Weight: position % 3, Data: []byte(data)}})
	require.Equal(t, position, put(t, s.log, int(position%3), data))
	s.note(happening{stored: position})
}

func (s *script) release(t *testing.T, mark int, position uint64) {
	h := happening{}
	h.released[mark] = position
	s.note(h)
	require.NoError(t, s.marks[mark].Release(position))
}

// play fills three segments of 4 KiB and begins a fourth, while two marks release, and closes.
func play(t *testing.T) *script {
	s := &script{disk: newMemory()}
	s.disk.keep = true
	s.log = openMemory(t, s.disk, Options{})
	s.marks[0] = s.log.own
	var err error
	s.marks[1], err = s.log.Mark("second")
	require.NoError(t, err)
	sizes := []int{700, 0, 1300, 513, 900, 60, 1, 1100, 400, 33, 1700, 800, 5, 250, 1200, 600}
	for i, size := range sizes {
		position := uint64(i + 1)
		s.append(t, position, size)
		if i%3 == 2 {
			s.release(t, 0, position-1)
		}
		if i%5 == 4 {
			s.release(t, 1, position-2)
		}
	}
	require.Greater(t, s.log.Stats().Position/4, uint64(3))
	require.NoError(t, s.log.Close())
	return s
}

// promise is what must hold after a crash at some step.
type promise struct {
	begun    map[uint64]Record
	stored   uint64    // all up to it are acknowledged
	released [2]uint64 // a crash may have kept it or not
}

func (s *script) promised(steps int) promise {
	p := promise{begun: make(map[uint64]Record)}
	for _, h := range s.past {
		if h.steps > steps {
			break
		}
		if h.appended.Data != nil {
			p.begun[h.appended.Position] = h.appended
		}
		p.stored = max(p.stored, h.stored)
		for i := range p.released {
			p.released[i] = max(p.released[i], h.released[i])
		}
	}
	return p
}

// kept opens what a crash left, and says what is wrong with it.
func (p promise) kept(d *memory) error {
	o := modelOptions
	if err := o.complete(); err != nil {
		return err
	}
	l, err := open(d, o)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // on a disk without faults
	records, err := readAll(l, 1)
	if err != nil {
		return err
	}
	read := make(map[uint64]bool)
	for _, r := range records {
		want, ok := p.begun[r.Position]
		if !ok || string(want.Data) != string(r.Data) || want.Weight != r.Weight {
			return fmt.Errorf("record %d is not what was appended: %d bytes", r.Position, len(r.Data))
		}
		read[r.Position] = true
	}
	for position := min(p.released[0], p.released[1]) + 1; position <= p.stored; position++ {
		if !read[position] {
			return fmt.Errorf("record %d was acknowledged and is gone", position)
		}
	}
	for i, m := range l.Marks() {
		if m.Released > p.released[i] {
			return fmt.Errorf("mark %q is at %d, released %d", m.Name, m.Released, p.released[i])
		}
	}
	if s := l.Stats(); s.Damaged+s.LostRecords+s.LostWeight > 0 {
		return fmt.Errorf("damage without any: %+v", s)
	}
	next, err := l.Append(context.Background(), 1, []byte("next"))
	if err != nil {
		return err
	}
	if next <= p.stored {
		return fmt.Errorf("position %d was given after %d", next, p.stored)
	}
	for _, r := range records {
		if next <= r.Position {
			return fmt.Errorf("position %d was given after %d was read", next, r.Position)
		}
	}
	return nil
}

// TestACrashAtAnyByteCostsNothing dies at every operation of the disk and after every byte of every write: as a
// process does, which keeps what was written; and as a machine does, by chance and losing all it may.
func TestACrashAtAnyByteCostsNothing(t *testing.T) {
	s := play(t)
	journal := s.disk.journal
	const parts = 8
	for part := range parts {
		t.Run(fmt.Sprintf("part %d", part), func(t *testing.T) {
			t.Parallel()
			before := newMemory()
			for i, step := range journal {
				p := s.promised(i)
				for n := 0; i%parts == part && n <= step.bytes; n++ {
					for name, w := range outages(i, n) {
						d := before.clone()
						if step.bytes > 0 {
							step.do(d, n)
						}
						require.NoError(t, p.kept(d.cut(w)), "step %d of %d, byte %d, %s", i, len(journal), n, name)
					}
				}
				step.do(before, step.bytes)
			}
		})
	}
}

// outages are the ways in which a crash may go at byte n of a step. What loses all it may is the same for every byte.
func outages(step, n int) map[string]fate {
	out := map[string]fate{
		"the process dies":    {all, all, always},
		"some of it survives": chance(rand.New(rand.NewPCG(uint64(step), uint64(n)))),
	}
	if n == 0 {
		out["only the synced survives"] = fate{nothing, nothing, always}
		out["the folder is late"] = fate{nothing, all, always}
	}
	return out
}
