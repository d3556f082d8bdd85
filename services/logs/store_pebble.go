package logs

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/pebblelog"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/logs/internal/drain"
)

// pebbleStore is a store in one folder; keys.go draws its layout.
type pebbleStore struct {
	db      *pebble.DB
	ordinal uint64 // the writer's
	records atomic.Int64
	bytes   atomic.Int64
}

// openPebble opens or makes the store in dir of fs.
func openPebble(dir string, fs vfs.FS) (*pebbleStore, error) {
	db, err := pebble.Open(dir, &pebble.Options{FS: fs, MemTableSize: 16 << 20, Logger: pebblelog.Silent{}})
	if err != nil {
		return nil, fmt.Errorf("open log store %s: %w", dir, err)
	}
	s := &pebbleStore{db: db}
	if err := s.loadMeta(); err != nil {
		return nil, errors.Join(fmt.Errorf("open log store %s: %w", dir, err), db.Close())
	}
	return s, nil
}

func (s *pebbleStore) Size() (records, bytes int64) { return s.records.Load(), s.bytes.Load() }

func (s *pebbleStore) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close log store: %w", err)
	}
	return nil
}

func (s *pebbleStore) Load() (State, error) {
	state := State{Templates: map[string][]drain.Template{}, Marks: map[string]uint64{}}
	err := s.each(kindTemplate, func(key, value []byte) error {
		service, err := serviceOf(key)
		if err != nil {
			return err
		}
		var t drain.Template
		if err := json.Unmarshal(value, &t); err != nil {
			return fmt.Errorf("template of %s: %w", service, err)
		}
		state.Templates[service] = append(state.Templates[service], t)
		return nil
	})
	if err != nil {
		return State{}, fmt.Errorf("load log templates: %w", err)
	}
	err = s.each(kindMark, func(key, value []byte) error {
		if len(value) != 8 {
			return fmt.Errorf("mark of %s: %d bytes, want 8", key[1:], len(value))
		}
		state.Marks[string(key[1:])] = binary.BigEndian.Uint64(value)
		return nil
	})
	if err != nil {
		return State{}, fmt.Errorf("load marks: %w", err)
	}
	return state, nil
}

func (s *pebbleStore) Commit(g *Group) error {
	b := s.db.NewBatch()
	defer b.Close()
	w := writer{b: b}
	bytes := int64(0)
	for i, r := range g.Records {
		bytes += w.record(r, makeStamp(r.Time, s.ordinal+uint64(i)))
	}
	// A template may go and come back in one group, so the deletions are first.
	for service, ids := range g.Removed {
		for _, t := range ids {
			w.delete(templateKey(service, t))
		}
	}
	for service, templates := range g.Templates {
		for _, t := range templates {
			w.template(service, t)
		}
	}
	for sender, position := range g.Marks {
		w.set(append([]byte{kindMark}, sender...), binary.BigEndian.AppendUint64(nil, position))
	}
	ordinal := s.ordinal + uint64(len(g.Records))
	records := s.records.Load() + int64(len(g.Records))
	bytes += s.bytes.Load()
	w.set([]byte{kindMeta}, makeMeta(ordinal, records, bytes))
	if w.err != nil {
		return fmt.Errorf("commit %d log records: %w", len(g.Records), w.err)
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("commit %d log records: %w", len(g.Records), err)
	}
	s.ordinal = ordinal
	s.records.Store(records)
	s.bytes.Store(bytes)
	return nil
}

func (s *pebbleStore) Sweep(before time.Time, maxBytes int64, limit int) (int, error) {
	b := s.db.NewBatch()
	defer b.Close()
	w := writer{b: b}
	swept, records, bytes := 0, s.records.Load(), s.bytes.Load()
	err := s.each(kindRecord, func(key, value []byte) error {
		at := stamp(key[1:])
		if swept == limit || at.time() >= nanos(before) && bytes <= maxBytes {
			return errStop
		}
		w.forget(at, value)
		swept++
		records--
		bytes -= int64(len(value))
		return w.err
	})
	if err != nil {
		return 0, fmt.Errorf("sweep log records: %w", err)
	}
	if swept == 0 {
		return 0, nil
	}
	w.set([]byte{kindMeta}, makeMeta(s.ordinal, records, bytes))
	if w.err == nil {
		w.err = b.Commit(pebble.NoSync)
	}
	if w.err != nil {
		return 0, fmt.Errorf("sweep log records: %w", w.err)
	}
	s.records.Store(records)
	s.bytes.Store(bytes)
	return swept, nil
}

// loadMeta reads the counters, or finds an empty store.
func (s *pebbleStore) loadMeta() error {
	value, closer, err := s.db.Get([]byte{kindMeta})
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if len(value) != len(magic)+24 || string(value[:len(magic)]) != magic {
		return fmt.Errorf("%d bytes of another format, want version %d", len(value), magic[len(magic)-1])
	}
	value = value[len(magic):]
	s.ordinal = binary.BigEndian.Uint64(value)
	s.records.Store(int64(binary.BigEndian.Uint64(value[8:])))
	s.bytes.Store(int64(binary.BigEndian.Uint64(value[16:])))
	return nil
}

func makeMeta(ordinal uint64, records, bytes int64) []byte {
	b := binary.BigEndian.AppendUint64([]byte(magic), ordinal)
	b = binary.BigEndian.AppendUint64(b, uint64(records))
	return binary.BigEndian.AppendUint64(b, uint64(bytes))
}

// errStop ends each without a fault.
var errStop = errors.New("stop")

// each visits the rows of a kind by key until visit returns an error; errStop is not passed on.
func (s *pebbleStore) each(kind byte, visit func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		value, e := it.ValueAndErr()
		if err = e; err == nil {
			err = visit(it.Key(), value)
		}
	}
	if errors.Is(err, errStop) {
		err = nil
	}
	return errors.Join(err, it.Close())
}

// writer fills a batch and keeps the first error.
type writer struct {
	b   *pebble.Batch
	err error
}

// record writes a record with its index entries and tells the bytes of its value.
func (w *writer) record(r Record, at stamp) int64 {
	value, err := proto.Marshal(r.Log)
	w.fault(err)
	w.set(recordKey(at), value)
	entry := makeEntry(rank(r.Log), r.Template)
	w.set(append(servicePrefix(r.Log.GetService()), at[:]...), entry)
	if !r.Trace.IsZero() {
		w.set(append(tracePrefix(r.Trace), at[:]...), entry)
	}
	return int64(len(value))
}

// forget deletes what record wrote.
func (w *writer) forget(at stamp, value []byte) {
	var log logsv1.LogRecord
	w.fault(proto.Unmarshal(value, &log))
	w.delete(recordKey(at))
	w.delete(append(servicePrefix(log.GetService()), at[:]...))
	if log.GetTraceId() != "" {
		trace, err := id.ParseTrace(log.GetTraceId())
		w.fault(err)
		w.delete(append(tracePrefix(trace), at[:]...))
	}
}

func (w *writer) template(service string, t drain.Template) {
	value, err := json.Marshal(t)
	w.fault(err)
	w.set(templateKey(service, t.ID), value)
}

func (w *writer) set(key, value []byte) { w.fault(w.b.Set(key, value, nil)) }

func (w *writer) delete(key []byte) { w.fault(w.b.Delete(key, nil)) }

func (w *writer) fault(err error) {
	if w.err == nil {
		w.err = err
	}
}
