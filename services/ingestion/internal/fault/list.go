package fault

import (
	"fmt"
	"strconv"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// Query selects a page of faults.
type Query struct {
	// Class is unspecified for all.
	Class ingestionv1.FaultClass
	// Cursor is what the page before gave as its next; "" is the first page.
	Cursor string
	// Limit of the rows, at least 1.
	Limit int
}

// List gives a page of faults, the latest first, and the cursor of the next page, "" on the last. A fault that is found
// again while someone pages moves to the front: he sees each fault at most once, and all that stayed where they were.
// The error says that the cursor is none of List.
func (r *Registry) List(q Query) (page []Fault, next string, err error) {
	below := ^uint64(0)
	if q.Cursor != "" {
		if below, err = strconv.ParseUint(q.Cursor, 10, 64); err != nil {
			return nil, "", fmt.Errorf("cursor %q: want the number of a report", q.Cursor)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.recent.Front(); e != nil; e = e.Next() {
		f := e.Value.(*Fault)
		if f.rank >= below || q.Class != ingestionv1.FaultClass_FAULT_CLASS_UNSPECIFIED && f.Class != q.Class {
			continue
		}
		if len(page) == q.Limit {
			return page, strconv.FormatUint(page[len(page)-1].rank, 10), nil
		}
		page = append(page, *f)
	}
	return page, "", nil
}
