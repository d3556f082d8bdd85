// Package raftlog keeps a Raft log, and what a voter must not forget, on Pebble. What a method has stored is on disk
// when it returns. A Store is safe for concurrent use.
package raftlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"

	"github.com/triflow/triflow/pkg/pebblelog"
)

const (
	logPrefix    = 'l' // then the index, big-endian
	stablePrefix = 's' // then the key
	headerBytes  = 8 + 1 + 8 + 4
)

// Store is a raft.LogStore and a raft.StableStore.
type Store struct{ db *pebble.DB }

// Open opens the store in a folder of its own.
func Open(dir string) (*Store, error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: pebblelog.Silent{}})
	if err != nil {
		return nil, fmt.Errorf("open raft log %s: %w", dir, err)
	}
	return &Store{db}, nil
}

// Close closes the store, which must not be used any more.
func (s *Store) Close() error { return s.db.Close() }

// FirstIndex is the lowest index stored, or 0.
func (s *Store) FirstIndex() (uint64, error) { return s.edge((*pebble.Iterator).First) }

// LastIndex is the highest index stored, or 0.
func (s *Store) LastIndex() (uint64, error) { return s.edge((*pebble.Iterator).Last) }

func (s *Store) edge(seek func(*pebble.Iterator) bool) (uint64, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{logPrefix}, UpperBound: []byte{logPrefix + 1}})
	if err != nil {
		return 0, fmt.Errorf("read edge of raft log: %w", err)
	}
	var index uint64
	if seek(it) {
		index = binary.BigEndian.Uint64(it.Key()[1:])
	}
	return index, it.Close()
}

// GetLog reads an entry, or gives raft.ErrLogNotFound.
func (s *Store) GetLog(index uint64, into *raft.Log) error {
	b, err := s.get(logKey(index), raft.ErrLogNotFound)
	if err != nil {
		return err
	}
	if len(b) < headerBytes || uint64(binary.BigEndian.Uint32(b[17:])) > uint64(len(b)-headerBytes) {
		return fmt.Errorf("entry %d of raft log: damaged", index)
	}
	*into = raft.Log{Index: index, Term: binary.BigEndian.Uint64(b), Type: raft.LogType(b[8])}
	if nanos := int64(binary.BigEndian.Uint64(b[9:])); nanos != 0 {
		into.AppendedAt = time.Unix(0, nanos)
	}
	size := binary.BigEndian.Uint32(b[17:])
	into.Data, into.Extensions = b[headerBytes:headerBytes+size:headerBytes+size], b[headerBytes+size:]
	return nil
}

// StoreLog stores an entry.
func (s *Store) StoreLog(entry *raft.Log) error { return s.StoreLogs([]*raft.Log{entry}) }

// StoreLogs stores all entries or none, with one flush.
func (s *Store) StoreLogs(entries []*raft.Log) error {
	batch := s.db.NewBatch()
	defer batch.Close()
	for _, e := range entries {
		b := make([]byte, 0, headerBytes+len(e.Data)+len(e.Extensions))
		b = append(binary.BigEndian.AppendUint64(b, e.Term), byte(e.Type))
		var nanos int64
		if !e.AppendedAt.IsZero() {
			nanos = e.AppendedAt.UnixNano()
		}
		b = binary.BigEndian.AppendUint64(b, uint64(nanos))
		b = binary.BigEndian.AppendUint32(b, uint32(len(e.Data)))
		b = append(append(b, e.Data...), e.Extensions...)
		if err := batch.Set(logKey(e.Index), b, nil); err != nil {
			return fmt.Errorf("store entry %d of raft log: %w", e.Index, err)
		}
	}
	return batch.Commit(pebble.Sync)
}

// DeleteRange deletes the entries from low to high, both included.
func (s *Store) DeleteRange(low, high uint64) error {
	return s.db.DeleteRange(logKey(low), append(logKey(high), 0), pebble.Sync)
}

// Set stores a value.
func (s *Store) Set(key, value []byte) error { return s.db.Set(stableKey(key), value, pebble.Sync) }

// Get reads a value. The library knows a missing one by the error's text alone.
func (s *Store) Get(key []byte) ([]byte, error) {
	return s.get(stableKey(key), errors.New("not found"))
}

// SetUint64 stores a number.
func (s *Store) SetUint64(key []byte, v uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, v))
}

// GetUint64 reads a number.
func (s *Store) GetUint64(key []byte) (uint64, error) {
	b, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("number %q: %d bytes, want 8", key, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

func (s *Store) get(key []byte, missing error) ([]byte, error) {
	b, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, missing
	}
	if err != nil {
		return nil, fmt.Errorf("read raft store: %w", err)
	}
	return append([]byte(nil), b...), closer.Close()
}

func logKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{logPrefix}, index)
}

func stableKey(key []byte) []byte { return append([]byte{stablePrefix}, key...) }
