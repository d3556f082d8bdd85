package export

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// reloaded is a value made of files, and made anew when one of them has changed. While that fails it stays what it was:
// files that are replaced one by one do not fit for a moment. Many goroutines may use it.
type reloaded[T any] struct {
	paths []string
	from  func(contents [][]byte) (T, error)
	warn  func(error) // hears of a failure once, until there was a success

	mu      sync.Mutex // guards what follows
	seen    []stamp    // what the value was made of
	value   T
	failing bool
}

// stamp tells whether a file has changed. A symbolic link that leads elsewhere has, as those of mounted secrets do.
type stamp struct {
	modified time.Time
	size     int64
}

// load makes the value for the first time.
func load[T any](paths []string, from func(contents [][]byte) (T, error), warn func(error)) (*reloaded[T], error) {
	r := &reloaded[T]{paths: paths, from: from, warn: warn}
	seen, err := r.stamps()
	if err != nil {
		return nil, err
	}
	return r, r.make(seen)
}

// get gives the value of the files as they are now. It costs a look at each.
func (r *reloaded[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, err := r.stamps()
	if err == nil && !slices.Equal(seen, r.seen) {
		err = r.make(seen)
	}
	if err != nil && !r.failing {
		r.warn(err)
	}
	r.failing = err != nil
	return r.value
}

// stamps are taken before the files are read, so that what changes meanwhile is read again.
func (r *reloaded[T]) stamps() ([]stamp, error) {
	out := make([]stamp, len(r.paths))
	for i, path := range r.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		out[i] = stamp{info.ModTime(), info.Size()}
	}
	return out, nil
}

// make is called under mu, or before the value is shared.
func (r *reloaded[T]) make(seen []stamp) error {
	contents := make([][]byte, len(r.paths))
	for i, path := range r.paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		contents[i] = b
	}
	value, err := r.from(contents)
	if err != nil {
		return fmt.Errorf("read %q: %w", r.paths, err)
	}
	r.value, r.seen = value, seen
	return nil
}
