// Package live spreads word of changes to whoever watches. Word may be lost, as when a watcher is slow or Redis is
// away; then the watcher is told that it may have missed some, and reads again. Nothing else depends on it.
package live

import (
	"context"
	"sync"
)

// Change says that a thing of a kind changed. The zero value says that anything may have.
type Change struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// waiting is how many changes a watcher may be behind before it is told to read all again.
const waiting = 64

// Bus spreads changes within a process. The zero value is ready; its methods may be called by many goroutines.
type Bus struct {
	mu       sync.Mutex // guards watchers
	watchers map[chan Change]struct{}
}

// Publish tells every watcher of c. It does not block: a watcher that is too far behind gets the zero Change instead
// of what it missed.
func (b *Bus) Publish(_ context.Context, c Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.watchers {
		select {
		case w <- c:
		default:
			drain(w)
			w <- Change{}
		}
	}
}

// Watch gives the changes from now on, until ctx ends and the channel is closed.
func (b *Bus) Watch(ctx context.Context) <-chan Change {
	w := make(chan Change, waiting)
	b.mu.Lock()
	if b.watchers == nil {
		b.watchers = make(map[chan Change]struct{})
	}
	b.watchers[w] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, w)
		close(w)
	})
	return w
}

// drain empties the queue of a watcher; only Publish sends, and it holds the lock, so that there is room afterwards.
func drain(w chan Change) {
	for {
		select {
		case <-w:
		default:
			return
		}
	}
}
