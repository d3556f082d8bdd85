package assembly

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/klauspost/compress/s2"

	"github.com/triflow/triflow/pkg/id"
)

// scanLimit is how many traces a search looks at in one call, and lookLimit into how many it looks by their spans.
const (
	scanLimit = 20_000
	lookLimit = 500
)

// Recover implements Store.
func (s *pebbleStore) Recover() (Recovered, error) {
	rec := Recovered{Totals: s.totals}
	db, done, err := s.use()
	if err != nil {
		return rec, err
	}
	defer done()
	err = each(db, []byte{prefixAccount}, func(key, value []byte) error {
		r := reader{b: value}
		rec.Senders = append(rec.Senders, Account{Sender: string(key[1:]), Position: r.uvarint(), Spans: r.uvarint()})
		return damaged(r.bad, "account")
	})
	if err != nil {
		return rec, err
	}
	err = each(db, []byte{prefixMarker}, func(key, value []byte) error {
		m, ok := parseMarkerKey(key)
		r := reader{b: value}
		m.Spans = r.uvarint()
		rec.Markers = append(rec.Markers, m)
		return damaged(!ok || r.bad, "marker")
	})
	return rec, err
}

func damaged(bad bool, what string) error {
	if bad {
		return fmt.Errorf("recover: a %s is damaged", what)
	}
	return nil
}

// Row implements Store.
func (s *pebbleStore) Row(t id.Trace) (*Row, error) {
	db, done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	at, err := placeOf(db, t)
	if err != nil {
		return nil, err
	}
	return rowAt(db, timeKey(at.start, t))
}

// Trace implements Store.
func (s *pebbleStore) Trace(t id.Trace) (*Row, []Spans, error) {
	db, done, err := s.use()
	if err != nil {
		return nil, nil, err
	}
	defer done()
	snapshot := db.NewSnapshot()
	defer snapshot.Close()
	at, err := placeOf(snapshot, t)
	if err != nil {
		return nil, nil, err
	}
	row, err := rowAt(snapshot, timeKey(at.start, t))
	if err != nil {
		return nil, nil, err
	}
	fragments, err := fragmentsAt(snapshot, at)
	return row, fragments, err
}

// Dropped implements Store.
func (s *pebbleStore) Dropped(t id.Trace, now time.Time) (bool, error) {
	db, done, err := s.use()
	if err != nil {
		return false, err
	}
	defer done()
	for hour := hourOf(now); hour+1 >= hourOf(now); hour-- {
		_, closer, err := db.Get(droppedKey(hour, t))
		if err == nil {
			return true, closer.Close()
		}
		if !errors.Is(err, pebble.ErrNotFound) {
			return false, fmt.Errorf("look up trace %s: %w", t, err)
		}
	}
	return false, nil
}

// Search implements Store. It walks the traces of the service, or all, from the newest, by their rows.
func (s *pebbleStore) Search(q Query) (page Page, err error) {
	db, done, err := s.use()
	if err != nil {
		return Page{}, err
	}
	defer done()
	snapshot := db.NewSnapshot()
	defer snapshot.Close()
	it, prefix, err := searchIter(snapshot, &q)
	if err != nil {
		return Page{}, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	scanned, looked := 0, 0
	for ok := it.First(); ok; ok = it.Next() {
		tail := it.Key()[prefix:]
		if len(tail) != timeKeyTail {
			continue
		}
		if len(page.Rows) == q.Limit || scanned == scanLimit || looked == lookLimit {
			return page, nil
		}
		scanned++
		row, look, err := candidate(snapshot, it, tail, &q)
		if err != nil {
			return Page{}, err
		}
		if look {
			looked++
			if row, err = lookInto(snapshot, row, id.Trace(tail[8:]), &q); err != nil {
				return Page{}, err
			}
		}
		if row != nil {
			page.Rows = append(page.Rows, row)
		}
		page.Cursor = string(tail)
	}
	page.Cursor = ""
	return page, it.Error()
}

// searchIter bounds a walk by the service, the times and the cursor of a query. prefix is the length of what its keys
// have before ^start.
func searchIter(r pebble.Reader, q *Query) (it *pebble.Iterator, prefix int, err error) {
	key := []byte{prefixTime}
	if q.Service != "" {
		key = servicePrefix(q.Service)
	}
	lower, upper := append([]byte{}, key...), after(key)
	if !q.Until.IsZero() {
		lower = appendStart(lower, q.Until.UnixNano()-1)
	}
	if !q.From.IsZero() {
		upper = after(appendStart(append([]byte{}, key...), q.From.UnixNano()))
	}
	if q.Cursor != "" {
		lower = append(append(append([]byte{}, key...), q.Cursor...), 0)
	}
	it, err = r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, 0, fmt.Errorf("search: %w", err)
	}
	return it, len(key), nil
}

// candidate reads the row that it is at; nil if it does not match.
func candidate(r pebble.Reader, it *pebble.Iterator, tail []byte, q *Query) (row *Row, look bool, err error) {
	if q.Service != "" {
		row, err = rowAt(r, append([]byte{prefixTime}, tail...))
	} else {
		var v []byte
		if v, err = it.ValueAndErr(); err == nil {
			row, err = parseRow(v)
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("search: %w", err)
	}
	fits, look := row.matches(q)
	if !fits {
		return nil, false, nil
	}
	return row, look, nil
}

// lookInto gives the row back if the spans of its trace match.
func lookInto(r pebble.Reader, row *Row, t id.Trace, q *Query) (*Row, error) {
	at, err := placeOf(r, t)
	if err != nil {
		return nil, err
	}
	fragments, err := fragmentsAt(r, at)
	if err != nil {
		return nil, err
	}
	ok, err := spansMatch(fragments, q)
	if !ok || err != nil {
		return nil, err
	}
	return row, nil
}

// each visits every key with a prefix.
func each(db *pebble.DB, prefix []byte, visit func(key, value []byte) error) (err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := visit(it.Key(), value); err != nil {
			return err
		}
	}
	return it.Error()
}

// placeOf finds a trace. The error is ErrNotFound without one.
func placeOf(r pebble.Reader, t id.Trace) (place, error) {
	v, closer, err := r.Get(traceKey(t))
	if errors.Is(err, pebble.ErrNotFound) {
		return place{}, ErrNotFound
	}
	if err != nil {
		return place{}, fmt.Errorf("find trace %s: %w", t, err)
	}
	defer closer.Close()
	p, ok := parsePlace(v)
	if !ok {
		return place{}, fmt.Errorf("find trace %s: its entry is damaged", t)
	}
	return p, nil
}

func rowAt(r pebble.Reader, key []byte) (*Row, error) {
	v, closer, err := r.Get(key)
	if err != nil {
		return nil, fmt.Errorf("read row %x: %w", key, err)
	}
	defer closer.Close()
	return parseRow(v)
}

func fragmentsAt(r pebble.Reader, at place) ([]Spans, error) {
	var all []Spans
	for _, f := range at.fragments {
		spans, err := fragmentAt(r, f.number)
		if err != nil {
			return nil, fmt.Errorf("read fragment %d: %w", f.number, err)
		}
		all = append(all, spans)
	}
	return all, nil
}

func fragmentAt(r pebble.Reader, number uint64) (Spans, error) {
	v, closer, err := r.Get(binary.BigEndian.AppendUint64([]byte{prefixFragment}, number))
	if err != nil {
		return Spans{}, err
	}
	defer closer.Close()
	return parseFragment(v)
}

// parseFragment reads what appendFragment writes; it keeps nothing of b.
func parseFragment(b []byte) (spans Spans, err error) {
	if len(b) == 0 || b[0] != fragmentVersion && b[0] != fragmentUntimed {
		return Spans{}, errors.New("unknown version")
	}
	r := reader{b: b[1:]}
	if b[0] == fragmentVersion {
		for n := r.uvarint(); n > 0 && !r.bad; n-- {
			spans.Arrivals = append(spans.Arrivals, Arrival{Spans: r.uvarint(), Time: r.varint()})
		}
	}
	if r.bad {
		return Spans{}, errors.New("its arrivals are damaged")
	}
	spans.Request, err = s2.Decode(nil, r.b)
	return spans, err
}
