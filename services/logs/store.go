package logs

import (
	"time"

	"github.com/triflow/triflow/pkg/id"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/logs/internal/drain"
)

// store keeps records, templates and marks. Commit and Sweep are called by one goroutine, Search by any number.
type store interface {
	// Load gives what earlier commits left, for the miners to go on from.
	Load() (State, error)
	// Commit writes g; when it returns nil all of it is durable, and after a crash all of it is there or nothing is.
	Commit(g *Group) error
	// Search gives a page of records, newest first.
	Search(q Query) (Found, error)
	// Sweep deletes the oldest records, at most limit, that are older than before or beyond maxBytes. It tells
	// how many it deleted; fewer than limit means that there are no more.
	Sweep(before time.Time, maxBytes int64, limit int) (int, error)
	// Size tells how many records there are and their bytes before compression.
	Size() (records, bytes int64)
	Close() error
}

// Group is what one commit writes.
type Group struct {
	Records []Record
	// Templates holds those that changed, Removed those that are gone, by service.
	Templates map[string][]drain.Template
	Removed   map[string][]drain.ID
	// Marks holds the last applied position of each sender that pushed.
	Marks map[string]uint64
}

// Record is a log record with what it is found by.
type Record struct {
	Log      *logsv1.LogRecord
	Time     time.Time
	Trace    id.Trace
	Template drain.ID
}

// State is what survives a restart, beside the records.
type State struct {
	Templates map[string][]drain.Template
	Marks     map[string]uint64
}

// Query selects records; a zero field selects all.
type Query struct {
	Service     string
	Trace       id.Trace
	Templates   []drain.ID // any of them
	MinSeverity int32
	Contains    string // in lower case
	Start, End  time.Time
	Limit       int    // rows of the page
	Scan        int    // most records looked at
	Cursor      string // Next of the page before
}

// Found is a page. A page may be short, even empty, and yet have a Next: the scan came to its limit.
type Found struct {
	Logs []*logsv1.LogRecord
	Next string
}
