package wal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// load is what some appenders, which also release two marks, know of a log that dies again and again.
type load struct {
	seed uint64

	mu       sync.Mutex          // guards what follows
	begun    map[string]struct{} // data that was ever given to an append
	stored   map[uint64]string   // acknowledged
	highest  uint64
	released [2]uint64 // highest that a call was begun for
	fault    error
}

// run appends until the power goes.
func (l *load) run(log *Log, appender int) {
	rng := rand.New(rand.NewPCG(l.seed, uint64(appender)))
	marks := [2]*Mark{log.own, log.own}
	if m, err := log.Mark("second"); err == nil {
		marks[1] = m
	}
	for i := 0; ; i++ {
		data := fmt.Sprintf("%d/%d/%d %s", l.seed, appender, i, strings.Repeat("x", rng.IntN(700)))
		l.mu.Lock()
		l.begun[data] = struct{}{}
		l.mu.Unlock()
		p, err := log.Append(context.Background(), rng.IntN(5), []byte(data))
		if err == nil {
			l.acknowledge(p, data)
		} else if !errors.Is(err, ErrFull) {
			return
		}
		if err == nil && rng.IntN(4) > 0 {
			continue
		}
		if err := l.release(marks, rng); err != nil {
			return
		}
	}
}

func (l *load) acknowledge(p uint64, data string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was, ok := l.stored[p]; ok && l.fault == nil {
		l.fault = fmt.Errorf("position %d was given to %.20q and %.20q", p, was, data)
	}
	l.stored[p] = data
	l.highest = max(l.highest, p)
}

func (l *load) release(marks [2]*Mark, rng *rand.Rand) error {
	i := rng.IntN(len(marks))
	l.mu.Lock()
	to := l.highest - min(l.highest, rng.Uint64N(20))
	l.released[i] = max(l.released[i], to)
	if marks[0] == marks[1] { // there was no second one when the power went
		l.released[0] = max(l.released[0], to)
	}
	l.mu.Unlock()
	return marks[i].Release(to)
}

// check says what is wrong with what a crash has left.
func (l *load) check(records []Record) error {
	if l.fault != nil {
		return l.fault
	}
	read := make(map[uint64]string)
	for _, r := range records {
		if _, ok := l.begun[string(r.Data)]; !ok {
			return fmt.Errorf("record %d is not what was appended: %.20q", r.Position, r.Data)
		}
		read[r.Position] = string(r.Data)
		l.highest = max(l.highest, r.Position)
	}
	for p, data := range l.stored {
		if was, ok := read[p]; ok && was != data || !ok && p > min(l.released[0], l.released[1]) {
			return fmt.Errorf("record %d is %.20q, stored %.20q, released %v", p, was, data, l.released)
		}
	}
	return nil
}

// TestNoAcknowledgedRecordIsLostInManyCrashes cuts the power at some operation, of Open too, 200 times on end.
func TestNoAcknowledgedRecordIsLostInManyCrashes(t *testing.T) {
	const crashes = 200
	l := &load{begun: make(map[string]struct{}), stored: make(map[uint64]string)}
	d := newMemory()
	for l.seed = range crashes {
		rng := rand.New(rand.NewPCG(l.seed, crashes))
		d.left, d.torn = rng.IntN(400), rng.IntN(2000)
		if log, err := open(d, memoryOptions(t)); err == nil {
			var wg sync.WaitGroup
			for appender := range 3 {
				wg.Go(func() { l.run(log, appender) })
			}
			wg.Wait()
			require.ErrorIs(t, log.Close(), errNoDisk)
		}
		d = d.cut(chance(rng))
		log, err := open(d, memoryOptions(t))
		require.NoError(t, err, "crash %d", l.seed)
		records := rest(t, log, 1)
		require.NoError(t, l.check(records), "crash %d", l.seed)
		// The last group, of which nobody was told, may be there with a hole, which looks like damage.
		require.LessOrEqual(t, log.Stats().Damaged, uint64(1), "crash %d", l.seed)
		require.NoError(t, log.Close())
	}
	t.Logf("%d records acknowledged", len(l.stored))
}

func memoryOptions(t *testing.T) Options {
	o := modelOptions
	require.NoError(t, o.complete())
	return o
}

// TestWhatIsDoneToAFileIsSaidExactly damages a log that was closed: all that was not hit is read, and what is lost is
// counted by record and weight.
func TestWhatIsDoneToAFileIsSaidExactly(t *testing.T) {
	injuries := map[string]func(rng *rand.Rand, d *memory){
		"the tail is torn": func(rng *rand.Rand, d *memory) {
			f := d.files[names(d)[len(names(d))-1]]
			f.data = f.data[:headerBytes+rng.IntN(1000)]
		},
		"a byte is flipped": func(rng *rand.Rand, d *memory) {
			d.flip(names(d)[rng.IntN(3)], headerBytes+rng.IntN(3000), 1)
		},
		"a segment is cut off": func(rng *rand.Rand, d *memory) {
			f := d.files[names(d)[rng.IntN(3)]]
			f.data = f.data[:rng.IntN(3000)]
		},
		"a segment is missing": func(rng *rand.Rand, d *memory) {
			delete(d.files, names(d)[rng.IntN(3)])
		},
	}
	for name, injure := range injuries {
		for seed := range uint64(50) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 1))
				d := newMemory()
				l := openMemory(t, d, Options{})
				for l.Stats().Segments < 4 || rng.IntN(3) > 0 {
					put(t, l, rng.IntN(5), strings.Repeat("x", rng.IntN(900)))
				}
				before := rest(t, l, 1)
				require.NoError(t, l.Close())
				injure(rng, d)

				l = openMemory(t, d, Options{})
				after := rest(t, l, 1)
				var want, got Stats
				for _, r := range before {
					if !slices.ContainsFunc(after, func(other Record) bool { return other.Position == r.Position }) {
						want.LostRecords++
						want.LostWeight += r.Weight
					}
				}
				got.LostRecords, got.LostWeight = l.Stats().LostRecords, l.Stats().LostWeight
				require.Equal(t, want, got)
				require.Greater(t, put(t, l, 1, "next"), before[len(before)-1].Position)
			})
		}
	}
}
