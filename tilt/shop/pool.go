package shop

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// A hog is a computation that has nothing to do with the service and competes with it for its workers. With four hogs for
// each worker, three stand in the queue before whoever comes next.
const (
	hogsPerWorker = 4
	hogHolds      = 40 * time.Millisecond
)

// maxUtilization is what a pool reports when all its workers are busy: an operating system always keeps a little.
const maxUtilization = 0.97

// pool is the computing capacity of a service: workers, and a first-come-first-served queue before them. It keeps the
// account of how busy they are.
type pool struct {
	workers int
	idle    float64
	slots   *semaphore.Weighted

	mu    sync.Mutex // guards what follows
	busy  int
	spent time.Duration // worker time used until at
	at    time.Time
	// What the last reading of utilization saw.
	readSpent time.Duration
	readAt    time.Time
}

func newPool(workers int, idle float64, now time.Time) *pool {
	return &pool{
		workers: workers, idle: idle, slots: semaphore.NewWeighted(int64(workers)),
		at: now, readAt: now,
	}
}

// hold waits for a worker and keeps it for d. It returns the context's error when ctx ends first.
func (p *pool) hold(ctx context.Context, d time.Duration) error {
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.slots.Release(1)
	p.shift(+1)
	defer p.shift(-1)
	return pause(ctx, d)
}

func (p *pool) shift(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle(time.Now())
	p.busy += by
}

// settle brings spent up to now. The caller holds mu.
func (p *pool) settle(now time.Time) {
	p.spent += now.Sub(p.at) * time.Duration(p.busy)
	p.at = now
}

// utilization returns the share of capacity used since it was last called, between idle and maxUtilization.
func (p *pool) utilization(now time.Time) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle(now)
	busy := 0.0
	if capacity := now.Sub(p.readAt) * time.Duration(p.workers); capacity > 0 {
		busy = min(1, float64(p.spent-p.readSpent)/float64(capacity))
	}
	p.readSpent, p.readAt = p.spent, now
	return p.idle + (maxUtilization-p.idle)*busy
}

// overload lets hogs loose on the pool until ctx ends.
func (p *pool) overload(ctx context.Context) {
	var hogs sync.WaitGroup
	for range hogsPerWorker * p.workers {
		hogs.Go(func() {
			for p.hold(ctx, hogHolds) == nil {
			}
		})
	}
	hogs.Wait()
}

// pause waits for d or until ctx ends, and then returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
