package assembly

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/s2"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/pebblelog"
)

// errClosed says that the store was used after Close.
var errClosed = errors.New("store is closed")

// fragmentVersion is the first byte of a fragment on disk. Fragments of the version before are still read.
const fragmentVersion, fragmentUntimed = 2, 1

// cacheBytes is for blocks that were read, above all the filters that say that a trace is new: each is asked for every
// trace. With 64 MiB they were read from disk again and again, at twice the CPU (docs/benchmarks.md).
const cacheBytes = 256 << 20

// pebbleStore is the embedded body of Store; store_keys.go draws what it writes. Fragments are numbered in the order in
// which they come, so that the bulk of the data is written once and never sorted again.
type pebbleStore struct {
	closing sync.RWMutex // held for reading while db is in use, so that Close waits
	db      *pebble.DB   // nil once closed

	// Used by Commit and Retain only.
	totals Totals
	next   uint64 // number of the next fragment
	bytes  int64  // spans stored, compressed
	hour   uint64 // drops of the hours before it have been deleted
	packed []byte // scratch for a compressed fragment
}

// openPebble opens or makes the store in dir of fs.
func openPebble(fs vfs.FS, dir string) (*pebbleStore, error) {
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	db, err := pebble.Open(dir, &pebble.Options{
		FS: fs, Logger: pebblelog.Silent{}, Cache: cache, MemTableSize: 32 << 20, MemTableStopWritesThreshold: 4,
		Levels: [7]pebble.LevelOptions{{FilterPolicy: bloom.FilterPolicy(10)}},
	})
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s := &pebbleStore{db: db}
	if err := s.readTotals(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Close implements Store.
func (s *pebbleStore) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	if err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// use gives the engine until done is called.
func (s *pebbleStore) use() (db *pebble.DB, done func(), err error) {
	s.closing.RLock()
	if s.db == nil {
		s.closing.RUnlock()
		return nil, nil, errClosed
	}
	return s.db, s.closing.RUnlock, nil
}

// Commit implements Store. It is one synced batch.
func (s *pebbleStore) Commit(c *Commit) error {
	db, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	w := writer{batch: db.NewBatch()}
	defer w.batch.Close()
	next, bytes := s.next, s.bytes
	for i := range c.Fragments {
		n, err := s.putFragment(db, &w, &c.Fragments[i], next)
		if err != nil {
			return err
		}
		next, bytes = next+1, bytes+int64(n)
	}
	for _, t := range c.Dropped {
		w.set(droppedKey(hourOf(c.Time), t), nil)
	}
	hour := hourOf(c.Time)
	if hour > s.hour+1 {
		w.deleteRange(droppedKey(0, id.Trace{}), droppedKey(hour-1, id.Trace{}))
	}
	for _, m := range c.Markers {
		w.set(markerKey(m.Sender, m.Position, m.Trace), binary.AppendUvarint(nil, m.Spans))
	}
	for _, a := range c.Senders {
		w.set(accountKey(a.Sender), binary.AppendUvarint(binary.AppendUvarint(nil, a.Position), a.Spans))
		w.deleteRange(markerPrefix(a.Sender, 0), markerPrefix(a.Sender, a.Position+1))
	}
	w.set([]byte{prefixTotals}, appendTotals(nil, c.Totals, next, bytes))
	if w.err == nil {
		w.err = w.batch.Commit(pebble.Sync)
	}
	if w.err != nil {
		return fmt.Errorf("commit %d traces: %w", len(c.Fragments), w.err)
	}
	s.totals, s.next, s.bytes = c.Totals, next, bytes
	if hour > s.hour+1 {
		s.hour = hour - 1
	}
	return nil
}

// putFragment writes a fragment and the rows that lead to it, in place of those that led to the trace before.
func (s *pebbleStore) putFragment(db *pebble.DB, w *writer, f *Fragment, number uint64) (int, error) {
	at, err := placeOf(db, f.Trace)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	if err == nil {
		if err := unlist(db, w, f.Trace, at); err != nil {
			return 0, err
		}
	}
	row, err := appendRow(nil, f.Row)
	if err != nil {
		return 0, err
	}
	s.packed = appendFragment(s.packed[:0], &f.Spans)
	w.set(fragmentKey(number), s.packed)
	start := f.Row.start().UnixNano()
	w.set(timeKey(start, f.Trace), row)
	for _, service := range f.Row.Summary.GetServices() {
		w.set(serviceKey(service, start, f.Trace), nil)
	}
	at.start, at.fragments = start, append(at.fragments, piece{number, uint64(len(s.packed))})
	w.set(traceKey(f.Trace), appendPlace(nil, at))
	return len(s.packed), nil
}

// appendFragment writes spans as they are on disk.
func appendFragment(dst []byte, spans *Spans) []byte {
	dst = binary.AppendUvarint(append(dst, fragmentVersion), uint64(len(spans.Arrivals)))
	for _, a := range spans.Arrivals {
		dst = binary.AppendVarint(binary.AppendUvarint(dst, a.Spans), a.Time)
	}
	head, most := len(dst), s2.MaxEncodedLen(len(spans.Request))
	dst = slices.Grow(dst, most)
	return dst[:head+len(s2.Encode(dst[head:head+most], spans.Request))]
}

// unlist deletes the time and service keys of a trace.
func unlist(db *pebble.DB, w *writer, t id.Trace, at place) error {
	row, err := rowAt(db, timeKey(at.start, t))
	if err != nil {
		return err
	}
	w.delete(timeKey(at.start, t))
	for _, service := range row.Summary.GetServices() {
		w.delete(serviceKey(service, at.start, t))
	}
	return nil
}

// retainBatch is how many traces go in one batch, and retainBatches how many batches in one call of Retain.
const retainBatch, retainBatches = 1000, 10

// Retain implements Store. It deletes from the oldest on.
func (s *pebbleStore) Retain(before time.Time, maxBytes int64) (int, error) {
	db, done, err := s.use()
	if err != nil {
		return 0, err
	}
	defer done()
	deleted := 0
	for range retainBatches {
		n, err := s.retain(db, before.UnixNano(), maxBytes)
		if deleted += n; n == 0 || err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// retain deletes one batch.
func (s *pebbleStore) retain(db *pebble.DB, before, maxBytes int64) (n int, err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixTime}, UpperBound: []byte{prefixTime + 1}})
	if err != nil {
		return 0, fmt.Errorf("retain: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	w := writer{batch: db.NewBatch()}
	defer w.batch.Close()
	bytes := s.bytes
	for ok := it.Last(); ok && n < retainBatch; ok = it.Prev() {
		start := int64(^binary.BigEndian.Uint64(it.Key()[1:]))
		if start >= before && bytes <= maxBytes {
			break
		}
		t := id.Trace(it.Key()[9:])
		at, err := placeOf(db, t)
		if err == nil {
			err = unlist(db, &w, t, at)
		}
		if err != nil {
			return 0, err
		}
		for _, f := range at.fragments {
			w.delete(fragmentKey(f.number))
			bytes -= int64(f.bytes)
		}
		w.delete(traceKey(t))
		n++
	}
	if n == 0 {
		return 0, nil
	}
	w.set([]byte{prefixTotals}, appendTotals(nil, s.totals, s.next, bytes))
	if w.err == nil {
		w.err = w.batch.Commit(pebble.Sync)
	}
	if w.err != nil {
		return 0, fmt.Errorf("retain: %w", w.err)
	}
	s.bytes = bytes
	return n, nil
}

// readTotals fills totals, next and bytes.
func (s *pebbleStore) readTotals() error {
	s.totals.Dropped = make(map[string]uint64)
	v, closer, err := s.db.Get([]byte{prefixTotals})
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read totals: %w", err)
	}
	defer closer.Close()
	r := reader{b: v}
	t := &s.totals
	t.Kept, t.Duplicates, t.TracesKept, t.TracesDropped = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	s.next, s.bytes = r.uvarint(), int64(r.uvarint())
	for len(r.b) > 0 {
		reason := string(r.text())
		t.Dropped[reason] = r.uvarint()
	}
	if r.bad {
		return errors.New("read totals: they are damaged")
	}
	return nil
}

func appendTotals(dst []byte, t Totals, next uint64, bytes int64) []byte {
	for _, v := range []uint64{t.Kept, t.Duplicates, t.TracesKept, t.TracesDropped, next, uint64(bytes)} {
		dst = binary.AppendUvarint(dst, v)
	}
	for _, reason := range slices.Sorted(maps.Keys(t.Dropped)) {
		dst = binary.AppendUvarint(appendText(dst, []byte(reason)), t.Dropped[reason])
	}
	return dst
}

// writer fills a batch and remembers the first error.
type writer struct {
	batch *pebble.Batch
	err   error
}

func (w *writer) set(key, value []byte) {
	if w.err == nil {
		w.err = w.batch.Set(key, value, nil)
	}
}

func (w *writer) delete(key []byte) {
	if w.err == nil {
		w.err = w.batch.Delete(key, nil)
	}
}

func (w *writer) deleteRange(from, to []byte) {
	if w.err == nil {
		w.err = w.batch.DeleteRange(from, to, nil)
	}
}
