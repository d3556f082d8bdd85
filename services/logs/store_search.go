package logs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/proto"

	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/logs/internal/body"
	"github.com/triflow/triflow/services/logs/internal/drain"
)

// Search walks the narrowest index that the query allows, from its newest entry back: the trace's, the service's, or
// all records. The cursor is the stamp of the last row looked at.
func (s *pebbleStore) Search(q Query) (Found, error) {
	prefix := []byte{kindRecord}
	switch {
	case !q.Trace.IsZero():
		prefix = tracePrefix(q.Trace)
	case q.Service != "":
		prefix = servicePrefix(q.Service)
	}
	lower, upper, err := q.bounds(prefix)
	if err != nil {
		return Found{}, err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return Found{}, fmt.Errorf("search logs: %w", err)
	}
	found, err := s.walk(it, q, len(prefix))
	if err = errors.Join(err, it.Close()); err != nil {
		return Found{}, fmt.Errorf("search logs: %w", err)
	}
	return found, nil
}

// bounds gives the range of keys under prefix for the times of the query and what is left of it after the cursor.
func (q *Query) bounds(prefix []byte) (lower, upper []byte, err error) {
	lower, upper = prefix, above(prefix)
	if !q.Start.IsZero() {
		at := makeStamp(q.Start, 0)
		lower = append(slices.Clone(prefix), at[:]...)
	}
	if !q.End.IsZero() {
		at := makeStamp(q.End, 0)
		upper = append(slices.Clone(prefix), at[:]...)
	}
	if q.Cursor != "" {
		if len(q.Cursor) != stampSize {
			return nil, nil, fmt.Errorf("search logs: cursor of %d bytes, want %d", len(q.Cursor), stampSize)
		}
		upper = append(slices.Clone(prefix), q.Cursor...)
	}
	return lower, upper, nil
}

// walk collects a page from it, whose keys end with a stamp after prefix bytes.
func (s *pebbleStore) walk(it *pebble.Iterator, q Query, prefix int) (Found, error) {
	var f Found
	last := ""
	for seen, ok := 0, it.Last(); ok; seen, ok = seen+1, it.Prev() {
		if len(f.Logs) == q.Limit || seen == q.Scan {
			f.Next = last
			return f, nil
		}
		last = string(it.Key()[prefix:])
		value, err := it.ValueAndErr()
		if err != nil {
			return f, err
		}
		log, err := s.read(it.Key(), value, q)
		if err != nil {
			return f, err
		}
		if log != nil && q.wants(log) {
			f.Logs = append(f.Logs, log)
		}
	}
	return f, it.Error()
}

// read gives the record of a row; nil when its index entry already rules it out, or a sweep has taken it meanwhile.
func (s *pebbleStore) read(key, value []byte, q Query) (*logsv1.LogRecord, error) {
	if key[0] != kindRecord {
		if len(value) != entrySize {
			return nil, fmt.Errorf("index entry of %d bytes, want %d", len(value), entrySize)
		}
		if int32(value[0]) < q.MinSeverity || len(q.Templates) > 0 && !slices.Contains(q.Templates, drain.ID(value[1:])) {
			return nil, nil
		}
		record, closer, err := s.db.Get(recordKey(stamp(key[len(key)-stampSize:])))
		if errors.Is(err, pebble.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		defer closer.Close()
		value = record
	}
	log := &logsv1.LogRecord{}
	if err := proto.Unmarshal(value, log); err != nil {
		return nil, err
	}
	if log.GetBodyValue() != nil { // stored once; its text is made when it is read
		log.Body = body.Text(log.GetBodyValue())
	}
	return log, nil
}

// wants checks a record against every filter but the times, which the keys have checked.
func (q *Query) wants(r *logsv1.LogRecord) bool {
	switch {
	case q.Service != "" && r.GetService() != q.Service,
		rank(r) < q.MinSeverity,
		q.Contains != "" && !strings.Contains(strings.ToLower(r.GetBody()), q.Contains):
		return false
	}
	return len(q.Templates) == 0 || slices.ContainsFunc(q.Templates, func(t drain.ID) bool { return t.String() == r.GetTemplateId() })
}
