package assembly

import (
	"context"
	"sync"
)

// admission bounds the memory of the batches that are not done.
type admission struct {
	limit int64

	mu      sync.Mutex // guards used, waiting and freed
	used    int64
	waiting int
	freed   chan struct{} // closed and replaced when memory is freed
}

func newAdmission(limit int64) *admission {
	return &admission{limit: limit, freed: make(chan struct{})}
}

// acquire takes n bytes, and waits for them until ctx ends. What is larger than the limit is let in alone.
func (a *admission) acquire(ctx context.Context, n int64) error {
	a.mu.Lock()
	for a.used > 0 && a.used+n > a.limit {
		freed := a.freed
		a.waiting++
		a.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
		}
		a.mu.Lock()
		a.waiting--
		if ctx.Err() != nil {
			a.mu.Unlock()
			return ctx.Err()
		}
	}
	a.used += n
	a.mu.Unlock()
	return nil
}

// release gives n bytes back.
func (a *admission) release(n int64) {
	if n == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used -= n
	close(a.freed)
	a.freed = make(chan struct{})
}

// pressure is how urgently memory is wanted.
type pressure uint8

const (
	// relaxed: traces may wait as configured.
	relaxed pressure = iota
	// tight: beyond three quarters; quiet traces are decided, with or without a root.
	tight
	// full: a push is waiting; every trace is decided.
	full
)

func (a *admission) read() (used int64, p pressure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.waiting > 0:
		return a.used, full
	case a.used > a.limit/4*3:
		return a.used, tight
	}
	return a.used, relaxed
}
