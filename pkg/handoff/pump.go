package handoff

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/triflow/triflow/pkg/wal"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// Source is the log that a pump empties; *wal.Log is one.
type Source interface {
	Reader(from uint64) *wal.Reader
	Released() uint64
	Release(position uint64) error
}

// PumpConfig is what a pump connects. MaxBatches, MaxBytes, Drain, Logger and OnDone may be left out.
type PumpConfig struct {
	Sender   string // name of the log, the same over restarts, 1 to 128 bytes
	Signal   handoffv1.Signal
	Log      Source
	Receiver Receiver
	// Decode splits a record; an error passes the record over.
	Decode func(record []byte) (receiveTime time.Time, payload []byte, err error)
	// OnDone hears of every position up to which all is done, rising, from one goroutine.
	OnDone     func(position uint64)
	MaxBatches int           // under way; 65536 by default
	MaxBytes   int64         // of records under way, at least what the receiver holds undone; 512 MiB by default
	Drain      time.Duration // how long Run waits for what is under way after its end; 2 s by default
	Logger     *slog.Logger
}

func (c PumpConfig) validate() error {
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("pump: "+format, args...))
		}
	}
	want(len(c.Sender) >= 1 && len(c.Sender) <= maxSender, "sender: %d bytes, want 1 to %d", len(c.Sender), maxSender)
	want(c.Signal != handoffv1.Signal_SIGNAL_UNSPECIFIED, "signal: unspecified, want one")
	want(c.Log != nil && c.Receiver != nil && c.Decode != nil, "log, receiver and decode: want all three")
	return errors.Join(faults...)
}

// PumpStats counts since the pump was made.
type PumpStats struct {
	Pushed      uint64 // batches that the receiver took
	Done        uint64 // batches that are done
	Retries     uint64 // pushes that failed and were tried again
	Undecodable uint64 // records passed over because they could not be decoded
	Refused     uint64 // batches passed over because the receiver refused them for good
}

// Pump moves records from a log to a receiver and releases them when they are done.
type Pump struct {
	cfg     PumpConfig
	window  *window
	tracker Tracker
	moved   chan struct{} // holds a token when the tracker may have moved

	pushed, done, retries, undecodable, refused atomic.Uint64
}

// NewPump makes a pump. Nothing runs until Run.
func NewPump(cfg PumpConfig) (*Pump, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Drain <= 0 {
		cfg.Drain = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.OnDone == nil {
		cfg.OnDone = func(uint64) {}
	}
	return &Pump{cfg: cfg, window: newWindow(cfg.MaxBatches, cfg.MaxBytes), moved: make(chan struct{}, 1)}, nil
}

// Stats may be called by many goroutines.
func (p *Pump) Stats() PumpStats {
	return PumpStats{
		Pushed: p.pushed.Load(), Done: p.done.Load(), Retries: p.retries.Load(),
		Undecodable: p.undecodable.Load(), Refused: p.refused.Load(),
	}
}

// Run pushes until ctx ends or the log is closed, then waits up to Drain for what is under way and returns nil. It is
// called once. Batches that are done later are pushed again by the next pump of the log.
func (p *Pump) Run(ctx context.Context) error {
	releasing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { p.release(releasing) })
	err := p.push(ctx)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.cfg.Drain)
	defer cancel()
	if err == nil && !p.window.idle(drain) {
		p.cfg.Logger.Info("handoff ended with batches under way", "sender", p.cfg.Sender, "batches", p.tracker.Open())
	}
	stop()
	wg.Wait()
	return err
}

// push is nil when ctx ended or the log was closed.
func (p *Pump) push(ctx context.Context) error {
	reader := p.cfg.Log.Reader(p.cfg.Log.Released() + 1)
	for {
		r, err := reader.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, wal.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hand off from %s: %w", p.cfg.Sender, err)
		}
		if err := p.one(ctx, r); err != nil {
			return nil // ctx has ended
		}
	}
}

// one sees a record to the receiver; the error is that of ctx.
func (p *Pump) one(ctx context.Context, r wal.Record) error {
	if err := p.window.enter(ctx, int64(len(r.Data)), nil); err != nil {
		return err
	}
	p.tracker.Begin(r.Position)
	finish := sync.OnceFunc(func() { p.finish(r.Position, int64(len(r.Data))) })
	at, payload, err := p.cfg.Decode(r.Data)
	if err != nil {
		p.undecodable.Add(1)
		p.cfg.Logger.Error("record passed over", "sender", p.cfg.Sender, "position", r.Position, "error", err)
		finish()
		return nil
	}
	b := Batch{
		Sender: p.cfg.Sender, Position: r.Position, TotalItems: r.Total, Items: int(r.Weight),
		Signal: p.cfg.Signal, ReceiveTime: at, Payload: payload, Done: finish,
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		err := p.cfg.Receiver.Push(ctx, b)
		if err != nil && IsFinal(err) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pace()), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
		p.retries.Add(1)
		p.cfg.Logger.Warn("batch not taken yet", "sender", p.cfg.Sender, "position", r.Position, "error", err, "wait", wait)
	}))
	switch {
	case err == nil:
		p.pushed.Add(1)
	case IsFinal(err):
		p.refused.Add(1)
		p.cfg.Logger.Error("batch refused for good", "sender", p.cfg.Sender, "position", r.Position, "items", b.Items, "error", err)
		finish()
	default:
		p.window.leave(int64(len(r.Data))) // it stays open in the tracker, so that the log keeps it
		return err
	}
	return nil
}

// finish is the Done of a batch.
func (p *Pump) finish(position uint64, bytes int64) {
	p.tracker.Done(position)
	p.done.Add(1)
	select {
	case p.moved <- struct{}{}:
	default:
	}
	p.window.leave(bytes)
}

// release follows the tracker, in a goroutine of its own, since Done must not wait for a disk.
func (p *Pump) release(ctx context.Context) {
	last := p.cfg.Log.Released()
	for ended := false; !ended; {
		select {
		case <-p.moved:
		case <-ctx.Done():
			ended = true // once more, for what came last
		}
		position := p.tracker.Position()
		if position <= last {
			continue
		}
		if err := p.cfg.Log.Release(position); err != nil {
			p.cfg.Logger.Warn("log not released", "sender", p.cfg.Sender, "position", position, "error", err)
			continue
		}
		last = position
		p.cfg.OnDone(position)
	}
}
