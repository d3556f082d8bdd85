package assembly

import (
	"errors"
	"time"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"

	"github.com/triflow/triflow/pkg/id"
)

// ErrNotFound says that the store holds no such trace.
var ErrNotFound = errors.New("not found")

// Store keeps kept traces and the accounts that say what became of every span. Its methods may be called by many
// goroutines, Commit and Retain by one at a time.
type Store interface {
	// Recover gives the accounts as they were last committed.
	Recover() (Recovered, error)
	// Commit makes all of c durable, or nothing of it; after an error it may be tried again.
	Commit(c *Commit) error
	// Row gives the row of a trace. The error is ErrNotFound without one.
	Row(t id.Trace) (*Row, error)
	// Trace gives the row of a trace and its spans, by fragment in the order in which they were stored. The error is
	// ErrNotFound without one.
	Trace(t id.Trace) (*Row, []Spans, error)
	// Dropped tells whether a drop of the trace has been committed, looking back from now by at least an hour.
	Dropped(t id.Trace, now time.Time) (bool, error)
	// Search gives a page of rows, newest start first.
	Search(q Query) (Page, error)
	// Retain deletes the traces that started before the given time, and of the rest the oldest until at most maxBytes of
	// spans are left. It tells how many traces went; a call has a limit, and the next one goes on.
	Retain(before time.Time, maxBytes int64) (int, error)
	// Close ends the store; every later call is an error.
	Close() error
}

// Commit is what one round of decisions changes.
type Commit struct {
	// Time of the round.
	Time time.Time
	// Fragments to store, at most one of a trace.
	Fragments []Fragment
	// Dropped traces.
	Dropped []id.Trace
	// Totals as they are after the round.
	Totals Totals
	// Senders that have moved on, as they are after the round.
	Senders []Account
	// Markers of what is accounted for beyond what its sender's account says.
	Markers []Marker
}

// Fragment is what a round adds to a kept trace.
type Fragment struct {
	Trace id.Trace
	// Row describes the whole trace, earlier fragments included.
	Row *Row
	// Spans of which none is in the trace yet.
	Spans Spans
}

// Spans are some spans of one trace.
type Spans struct {
	// Request holds them as OTLP does.
	Request []byte
	// Arrivals say when they were received, in the order of the request. Of spans beyond it is not known.
	Arrivals []Arrival
}

// Arrival is a run of spans that were received together.
type Arrival struct {
	Spans uint64
	// Time in Unix ns; 0: not known.
	Time int64
}

// Totals count spans and traces over the life of the store.
type Totals struct {
	Kept, Duplicates          uint64
	Dropped                   map[string]uint64
	TracesKept, TracesDropped uint64
}

// Account is how far the batches of a sender are accounted for.
type Account struct {
	Sender string
	// Position up to which every batch is accounted for.
	Position uint64
	// Spans in these batches.
	Spans uint64
}

// Marker says that the spans of one trace in one batch are accounted for.
type Marker struct {
	Sender   string
	Position uint64
	Trace    id.Trace
	Spans    uint64
}

// Recovered is what Recover gives.
type Recovered struct {
	Totals  Totals
	Senders []Account
	Markers []Marker
}

// Row describes a kept trace, for lists and searches.
type Row struct {
	Summary *assemblyv1.TraceSummary
	// Groups are the distinct pairs of service and span name in it, sorted, at most maxGroups.
	Groups []Group
	// More tells that there are further groups.
	More bool
}

// Group is the spans of one service with one name.
type Group struct {
	Service, Operation string
	// Failed tells that one of them has an error.
	Failed bool
}

// maxGroups bounds a row; a search looks into the spans of a trace with more.
const maxGroups = 1000

// Query selects traces.
type Query struct {
	// Service and Operation of a span, and whether a span (of the service, if given) failed; zero values: any.
	Service, Operation string
	Status             assemblyv1.StatusFilter
	// Bounds of the trace's duration, inclusive; 0: none.
	MinDuration, MaxDuration time.Duration
	// Attributes that a span or its resource has.
	Attributes []Attribute
	// Bounds of the trace's start, [From, Until); zero: none.
	From, Until time.Time
	// Rows at most.
	Limit int
	// Cursor of the page before.
	Cursor string
}

// Attribute is a key and a value as text.
type Attribute struct{ Key, Value string }

// Page is a part of a search's result.
type Page struct {
	Rows []*Row
	// Cursor to go on from; empty at the end. A page may have a cursor and few or no rows: a call looks at a bounded
	// number of traces.
	Cursor string
}
