package soak

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/triflow/triflow/test/program"
)

// load is what all senders of a process do together.
type load struct {
	to      *program.Ingestion
	tallies *[signals]*tally

	taken, refused atomic.Int64 // items; those refused are counted each time
	exports        atomic.Int64 // that were taken
	off            atomic.Bool  // what is answered from now on is not believed

	mu    sync.Mutex // guards codes
	codes map[string]int
}

func newLoad(to *program.Ingestion, r *receivers) *load {
	return &load{to: to, tallies: &r.tallies, codes: map[string]int{}}
}

// String tells what came of a load.
func (l *load) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d items taken in %d exports, %d refused with %v", l.taken.Load(), l.exports.Load(), l.refused.Load(), l.codes)
}

// enough returns when something was refused, for which the logs have to fill first.
func (l *load) enough(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, drainLimit, errors.New("nothing was refused"))
	defer cancel()
	for l.refused.Load() == 0 {
		if err := wait(ctx, lookEvery); err != nil {
			return err
		}
	}
	return nil
}

// sender is one connection.
type sender struct {
	load   *load
	client client
	export *export
	first  uint64 // number of the export under way
}

func (l *load) sender(w way, e *export) (*sender, error) {
	c, err := w.open(l.to)
	if err != nil {
		return nil, err
	}
	return &sender{load: l, client: c, export: e.clone()}, nil
}

// renew makes the export one that was never sent.
func (s *sender) renew() {
	s.first = s.load.tallies[s.export.signal].draw(s.export.items())
	s.export.number(s.first)
}

// send sends the export once, and gives the refusal if it is refused.
func (s *sender) send(ctx context.Context) (*refusal, error) {
	err := s.client.send(ctx, s.export)
	var no *refusal
	switch {
	case err == nil && s.load.off.Load():
		return nil, nil
	case err == nil:
		s.load.tallies[s.export.signal].acknowledged(s.first, s.export.items())
		s.load.taken.Add(int64(s.export.items()))
		s.load.exports.Add(1)
		return nil, nil
	case errors.As(err, &no):
		s.load.refused.Add(int64(s.export.items()))
		s.load.mu.Lock()
		s.load.codes[no.code]++
		s.load.mu.Unlock()
		return no, nil
	}
	return nil, err
}

// insist sends exports until end and holds on to each until it is taken, as OTLP has it. What it has at the end it still
// brings in.
func (s *sender) insist(ctx, end context.Context) error {
	defer s.client.close()
	for end.Err() == nil {
		s.renew()
		for {
			no, err := s.send(ctx)
			if err != nil {
				return err
			}
			if no == nil {
				break
			}
			if err := wait(ctx, no.delay); err != nil {
				return fmt.Errorf("an export was not taken, last %w", no)
			}
		}
	}
	return nil
}

// press sends so many items per second until end whatever is answered, and forgets what is refused; without a rate it
// sends as fast as it is answered.
func (s *sender) press(ctx, end context.Context, perSecond float64) error {
	defer s.client.close()
	due := time.Now()
	for {
		if perSecond > 0 {
			due = due.Add(time.Duration(float64(s.export.items()) / perSecond * float64(time.Second)))
		}
		if wait(end, time.Until(due)) != nil {
			return nil
		}
		s.renew()
		if _, err := s.send(ctx); err != nil {
			return err
		}
	}
}

// wait returns after d, or with an error when ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
