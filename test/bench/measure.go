package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// settleLimit is how long the spans of a load may take to be decided and stored.
const settleLimit = 10 * time.Minute

// figures are what one run measured.
type figures struct {
	title       string
	connections int
	sent        sent
	cpu         time.Duration // of the process in the window
	settle      time.Duration // from the last answer until all was decided and stored
	cpuSettled  time.Duration // of the process from the first export until then
	peakRSS     int64         // bytes
	stored      int64         // bytes on disk, of assembly
	ledgers     ledgers
	fault       error          // of the ledgers, nil when they add up
	complaints  map[string]int // what the process logged as warnings and errors
}

// measure runs the binary with an empty store, keeping a share of the traces, and sends the load to it. A ratio of 0
// leaves the policies as they come, which keep all.
func measure(ctx context.Context, title, binary, dir string, ratio float64, l load) (_ *figures, err error) {
	t, err := startTriflow(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	if ratio > 0 {
		if err := t.keep(ctx, ratio); err != nil {
			return nil, err
		}
	}
	f := &figures{title: title, connections: l.connections}
	if err := f.load(ctx, t, l); err != nil {
		return nil, fmt.Errorf("%w; triflow logged %v", err, complaints(t.Output()))
	}
	if f.peakRSS, err = t.PeakRSS(); err != nil {
		return nil, err
	}
	if f.stored, err = t.size("assembly"); err != nil {
		return nil, err
	}
	f.complaints = complaints(t.Output())
	f.fault = f.ledgers.check(f.sent.spans)
	return f, nil
}

// load sends the load and waits until it has settled.
func (f *figures) load(ctx context.Context, t *triflow, l load) error {
	senders, err := l.senders()
	if err != nil {
		return err
	}
	idle, err := t.CPU()
	if err != nil {
		return err
	}
	if f.sent, err = l.run(ctx, t.otlp, senders); err != nil {
		return err
	}
	end := time.Now()
	if f.cpu, err = t.CPU(); err != nil {
		return err
	}
	f.cpu -= idle
	if f.ledgers, err = t.settle(ctx, f.sent.spans); err != nil {
		return err
	}
	f.settle = time.Since(end)
	if f.cpuSettled, err = t.CPU(); err != nil {
		return err
	}
	f.cpuSettled -= idle
	return nil
}

// settle waits until the ledgers have no spans on their way.
func (t *triflow) settle(ctx context.Context, acknowledged uint64) (ledgers, error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for {
		l, err := t.ledgers(ctx)
		if err != nil {
			return l, fmt.Errorf("settle: %w", err)
		}
		if l.settled() && l.in.GetAccepted() >= acknowledged {
			return l, nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return l, fmt.Errorf("settle: backlog %d, pending %d: %w", l.in.GetBacklog(), l.out.GetPending(), err)
		}
	}
}

// perSecond is how many spans were acknowledged per second of the window.
func (f *figures) perSecond() float64 { return float64(f.sent.spans) / f.sent.window.Seconds() }

// cores is how many cores the process used in the window, on average.
func (f *figures) cores() float64 { return f.cpu.Seconds() / f.sent.window.Seconds() }

// perMillion is the time on cores that a million spans take.
func (f *figures) perMillion(cpu time.Duration) float64 {
	return cpu.Seconds() / float64(f.sent.spans) * 1e6
}
