// Package table keeps protobuf messages in a folder, under ids that sort by time, and lists them newest first.
//
// A put is on disk when it returns. The table holds at most its limit of rows; the oldest go first. Keys are
//
//	"r" id        → message
//
// and the folder belongs to one process at a time.
package table

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/pebblelog"
)

// ErrNotFound says that there is no row with the id.
var ErrNotFound = errors.New("not found")

// Table is a durable, ordered set of messages of type T. Its methods may be called by many goroutines.
type Table[T proto.Message] struct {
	db    *pebble.DB
	fresh func() T
	limit int

	mu   sync.Mutex // guards rows, and makes put and trim one step
	rows int
}

// Open opens or makes the table in dir. fresh gives an empty message; limit is the most rows kept, at least 1.
func Open[T proto.Message](dir string, limit int, fresh func() T) (*Table[T], error) {
	db, err := pebble.Open(dir, &pebble.Options{MemTableSize: 4 << 20, Logger: pebblelog.Silent{}})
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", dir, err)
	}
	t := &Table[T]{db: db, fresh: fresh, limit: limit}
	err = t.scan("", func(string, []byte) (bool, error) { t.rows++; return true, nil })
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return t, nil
}

// Put stores m under id, in place of what was there, and drops the oldest rows beyond the limit.
func (t *Table[T]) Put(id string, m T) error {
	value, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("put %s: %w", id, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	batch := t.db.NewBatch()
	defer batch.Close()
	if err := batch.Set(key(id), value, nil); err != nil {
		return fmt.Errorf("put %s: %w", id, err)
	}
	_, closer, err := t.db.Get(key(id))
	added := errors.Is(err, pebble.ErrNotFound)
	if err == nil {
		err = closer.Close()
	}
	if err != nil && !added {
		return fmt.Errorf("put %s: %w", id, err)
	}
	rows := t.rows
	if added {
		rows++
	}
	if rows > t.limit {
		n, err := t.dropOldest(batch, rows-t.limit)
		if err != nil {
			return fmt.Errorf("put %s: %w", id, err)
		}
		rows -= n
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("put %s: %w", id, err)
	}
	t.rows = rows
	return nil
}

// Get reads the row of id. The error is ErrNotFound without one.
func (t *Table[T]) Get(id string) (T, error) {
	var none T
	value, closer, err := t.db.Get(key(id))
	if errors.Is(err, pebble.ErrNotFound) {
		return none, ErrNotFound
	}
	if err != nil {
		return none, fmt.Errorf("get %s: %w", id, err)
	}
	defer closer.Close()
	m := t.fresh()
	if err := proto.Unmarshal(value, m); err != nil {
		return none, fmt.Errorf("get %s: %w", id, err)
	}
	return m, nil
}

// List gives up to limit rows with an id below before ("" for all), newest first, that keep accepts, and the id to
// pass as before for the next ones; "" when there are no more. A nil keep accepts every row.
func (t *Table[T]) List(before string, limit int, keep func(T) bool) (rows []T, next string, err error) {
	var last string
	err = t.scan(before, func(id string, value []byte) (bool, error) {
		m := t.fresh()
		if err := proto.Unmarshal(value, m); err != nil {
			return false, fmt.Errorf("read row %s: %w", id, err)
		}
		if keep != nil && !keep(m) {
			return true, nil
		}
		if len(rows) == limit {
			next = last
			return false, nil
		}
		rows, last = append(rows, m), id
		return true, nil
	})
	return rows, next, err
}

// Close ends the table; nothing may be called afterwards.
func (t *Table[T]) Close() error {
	if err := t.db.Close(); err != nil {
		return fmt.Errorf("close table: %w", err)
	}
	return nil
}

// scan walks the rows below before, newest first, until visit says stop.
func (t *Table[T]) scan(before string, visit func(id string, value []byte) (bool, error)) error {
	upper := []byte{'r' + 1}
	if before != "" {
		upper = key(before)
	}
	it, err := t.db.NewIter(&pebble.IterOptions{LowerBound: []byte{'r'}, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("scan table: %w", err)
	}
	for ok := it.Last(); ok; ok = it.Prev() {
		value, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(fmt.Errorf("scan table: %w", err), it.Close())
		}
		more, err := visit(string(it.Key()[1:]), value)
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !more {
			break
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("scan table: %w", err)
	}
	return nil
}

// dropOldest deletes the n first of the rows that are on disk, and tells how many it found.
func (t *Table[T]) dropOldest(batch *pebble.Batch, n int) (int, error) {
	it, err := t.db.NewIter(&pebble.IterOptions{LowerBound: []byte{'r'}, UpperBound: []byte{'r' + 1}})
	if err != nil {
		return 0, err
	}
	dropped := 0
	for ok := it.First(); ok && dropped < n; ok = it.Next() {
		if err := batch.Delete(it.Key(), nil); err != nil {
			return 0, errors.Join(err, it.Close())
		}
		dropped++
	}
	return dropped, it.Close()
}

func key(id string) []byte { return append([]byte{'r'}, id...) }
