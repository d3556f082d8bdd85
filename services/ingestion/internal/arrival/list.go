package arrival

import (
	"errors"
	"fmt"
	"time"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// ErrCursor says that a cursor is none of List, or was given too many lists ago.
var ErrCursor = errors.New("cursor of a list that is not known any more, want the first page again")

// Query selects a page of senders.
type Query struct {
	// Signal is unspecified for all; Tenant and Service are "" for all.
	Signal          handoffv1.Signal
	Tenant, Service string
	// Cursor is what the page before gave as its next; "" is the first page.
	Cursor string
	// Limit of the rows, at least 1.
	Limit int
}

func (q *Query) selects(r *row) bool {
	return (q.Signal == handoffv1.Signal_SIGNAL_UNSPECIFIED || q.Signal == r.signal) &&
		(q.Tenant == "" || q.Tenant == r.tenant) && (q.Service == "" || q.Service == r.service)
}

// listings are the lists that somebody pages through. Senders never stand still: their order must be kept for him, or he
// would miss those that moved to the front meanwhile.
type listings struct {
	latest uint64
	lists  [16][]*row // list n is at n modulo the length
}

// List gives a page of senders as they are now, in the order of their latest batch when the first page was given, the
// latest first. next is the cursor of the next page, "" on the last. Each sender is listed once, also if it was forgotten
// meanwhile. The error is ErrCursor: the order of the latest 16 lists of more than a page is kept.
func (b *Book) List(now time.Time, q Query) (page []*ingestionv1.Sender, next string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows, list, at, err := b.selected(&q)
	if err != nil {
		return nil, "", err
	}
	for _, r := range rows[at:min(at+q.Limit, len(rows))] {
		page = append(page, r.proto(now, b.done[r.signal]))
	}
	at += len(page)
	if at == len(rows) {
		return page, "", nil
	}
	if list == 0 {
		list = b.listings.keep(rows)
	}
	return page, fmt.Sprintf("%d.%d", list, at), nil
}

// selected gives the rows of a list, its number if it is kept, and where the page begins.
func (b *Book) selected(q *Query) (rows []*row, list uint64, at int, err error) {
	if q.Cursor != "" {
		if n, err := fmt.Sscanf(q.Cursor, "%d.%d", &list, &at); n != 2 || err != nil {
			return nil, 0, 0, fmt.Errorf("cursor %q: %w", q.Cursor, ErrCursor)
		}
		rows, known := b.listings.get(list)
		if !known || at < 0 || at >= len(rows) {
			return nil, 0, 0, fmt.Errorf("cursor %q: %w", q.Cursor, ErrCursor)
		}
		return rows, list, at, nil
	}
	for e := b.recent.Front(); e != nil; e = e.Next() {
		if r := e.Value.(*row); q.selects(r) {
			rows = append(rows, r)
		}
	}
	return rows, 0, 0, nil
}

func (l *listings) keep(rows []*row) uint64 {
	l.latest++
	l.lists[l.latest%uint64(len(l.lists))] = rows
	return l.latest
}

func (l *listings) get(n uint64) ([]*row, bool) {
	if n == 0 || n > l.latest || l.latest-n >= uint64(len(l.lists)) {
		return nil, false
	}
	return l.lists[n%uint64(len(l.lists))], true
}
