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

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// Entry is a batch as a log gives it.
type Entry struct {
	Position    uint64
	Total       uint64 // items of the log up to and with this entry
	Items       int
	ReceiveTime time.Time
	Tenant      string // whose it is, if that is known
	Payload     []byte
	Digest      uint32 // CRC-32C of Payload; 0 if it is not known
	// Fault says why the entry cannot be read; it is passed over.
	Fault error
	// Free, if not nil, is called once when Payload is needed no more.
	Free func()
}

// Source is the log that a pump empties.
type Source interface {
	// Next gives the first entry behind position after. At the end it waits until there is more or ctx ends; the error
	// ErrEnded says that there will never be more.
	Next(ctx context.Context, after uint64) (Entry, error)
	// Read gives the payload of an entry that Next gave and that was not released since. Any goroutine may call it. The
	// error is that of ctx, ErrEnded, or says that the entry cannot be read any more.
	Read(ctx context.Context, position uint64) ([]byte, error)
	// Released is the position up to which all is done, over restarts.
	Released() uint64
	Release(position uint64) error
}

// ErrEnded is the error of a Source that was closed.
var ErrEnded = errors.New("log has ended")

// PumpConfig is what a pump connects. MaxBatches, MaxBytes, Drain, Logger and OnDone may be left out.
type PumpConfig struct {
	Sender   string // name of the log, the same over restarts, 1 to 128 bytes
	Signal   handoffv1.Signal
	Log      Source
	Receiver Receiver
	// OnDone hears of every position up to which all is done, rising, from one goroutine.
	OnDone     func(position uint64)
	MaxBatches int           // under way; 65536 by default
	MaxBytes   int64         // of payloads under way, at least what the receiver holds undone; 512 MiB by default
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
	want(c.Log != nil && c.Receiver != nil, "log and receiver: want both")
	return errors.Join(faults...)
}

// PumpStats counts since the pump was made.
type PumpStats struct {
	Pushed      uint64 // batches that the receiver took
	Done        uint64 // batches that are done
	Retries     uint64 // pushes that failed and were tried again
	Undecodable uint64 // entries passed over because they could not be read
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
	for at := p.cfg.Log.Released(); ; {
		e, err := p.cfg.Log.Next(ctx, at)
		if ctx.Err() != nil || errors.Is(err, ErrEnded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hand off from %s: %w", p.cfg.Sender, err)
		}
		if err := p.one(ctx, e); err != nil {
			return nil // ctx has ended
		}
		at = e.Position
	}
}

// one sees an entry to the receiver; the error is that of ctx.
func (p *Pump) one(ctx context.Context, e Entry) error {
	// What lasts until the batch is done must not hold the payload: a receiver may have let go of it long before.
	position, bytes, free := e.Position, int64(len(e.Payload)), sync.OnceFunc(e.free())
	if err := p.window.enter(ctx, bytes, nil); err != nil {
		free()
		return err
	}
	p.tracker.Begin(position)
	var owned atomic.Bool // by the receiver
	release := func() {
		if !owned.Load() {
			free()
		}
	}
	finish := sync.OnceFunc(func() {
		release()
		p.finish(position, bytes)
	})
	if e.Fault != nil {
		p.undecodable.Add(1)
		p.cfg.Logger.Error("record passed over", "sender", p.cfg.Sender, "position", position, "error", e.Fault)
		finish()
		return nil
	}
	b := Batch{
		Sender: p.cfg.Sender, Position: position, TotalItems: e.Total, Items: e.Items, Signal: p.cfg.Signal,
		ReceiveTime: e.ReceiveTime, Tenant: e.Tenant, Payload: e.Payload, Digest: e.Digest, Done: finish,
		Read: func(ctx context.Context) ([]byte, error) { return p.cfg.Log.Read(ctx, position) },
		Own: func() func() {
			owned.Store(true)
			return free
		},
	}
	err := p.take(ctx, b)
	switch {
	case err == nil:
		p.pushed.Add(1)
	case IsFinal(err):
		p.refused.Add(1)
		p.cfg.Logger.Error("batch refused for good", "sender", p.cfg.Sender, "position", position, "items", b.Items, "error", err)
		finish()
	default:
		p.window.leave(bytes) // it stays open in the tracker, so that the log keeps it
		release()
		return err
	}
	return nil
}

// take pushes b until it is taken or refused for good; another error is that of ctx.
func (p *Pump) take(ctx context.Context, b Batch) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, permanent(p.cfg.Receiver.Push(ctx, b))
	}, backoff.WithBackOff(pace()), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
		p.retries.Add(1)
		p.cfg.Logger.Warn("batch not taken yet", "sender", p.cfg.Sender, "position", b.Position, "error", err, "wait", wait)
	}))
	return err
}

// permanent marks an error that no retry can help.
func permanent(err error) error {
	if err != nil && IsFinal(err) {
		return backoff.Permanent(err)
	}
	return err
}

func (e Entry) free() func() {
	if e.Free == nil {
		return func() {}
	}
	return e.Free
}

// finish ends a batch.
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
