package handoff

import (
	"context"
	"sync"
)

// The window must not be smaller than what a receiver holds at a time before it is done, such as the spans of undecided
// traces; otherwise it, and not the receiver, sets the pace.
const (
	defaultBatches = 1 << 16
	defaultBytes   = 512 << 20
)

// window bounds what is under way, in batches and in bytes. A batch above the bound in bytes goes alone.
type window struct {
	maxBatches int
	maxBytes   int64

	mu      sync.Mutex // guards what follows
	batches int
	bytes   int64
	freed   chan struct{} // closed when something left
}

func newWindow(maxBatches int, maxBytes int64) *window {
	if maxBatches <= 0 {
		maxBatches = defaultBatches
	}
	if maxBytes <= 0 {
		maxBytes = defaultBytes
	}
	return &window{maxBatches: maxBatches, maxBytes: maxBytes, freed: make(chan struct{})}
}

// enter waits for room until ctx or stop ends.
func (w *window) enter(ctx context.Context, bytes int64, stop <-chan struct{}) error {
	for {
		w.mu.Lock()
		if w.batches == 0 || w.batches < w.maxBatches && w.bytes+bytes <= w.maxBytes {
			w.batches++
			w.bytes += bytes
			w.mu.Unlock()
			return nil
		}
		freed := w.freed
		w.mu.Unlock()
		select {
		case <-freed:
		case <-stop:
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *window) leave(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches--
	w.bytes -= bytes
	close(w.freed)
	w.freed = make(chan struct{})
}

// idle waits until nothing is under way; false when ctx ended first.
func (w *window) idle(ctx context.Context) bool {
	for {
		w.mu.Lock()
		empty, freed := w.batches == 0, w.freed
		w.mu.Unlock()
		if empty {
			return true
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		}
	}
}
