package ingestion

import (
	"sync"
	"time"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/wal"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// account tells what became of each item of a log on the way to one destination, once. It counts an item when the mark of
// the destination has passed it, so that what is done and what became of it are always the same items:
//
//	begin ─ note: its fates ─ (refuse) ─ Release: the mark moves, and its fates count
//
// Many goroutines may use it.
type account struct {
	cursor
	mark   func() wal.MarkStats
	passed func(last time.Time) // is told when the latest of what was released came; it may be nil
	before uint64               // items done before the start

	moving sync.Mutex // held while the mark moves, and what it passed is counted

	mu        sync.Mutex // guards what follows
	done      uint64     // items
	fates     pipeline.Fates
	missing   uint64 // of those done: refused, passed over, or lost on disk
	delivered uint64 // that were told of
	under     []underway
}

// underway is a request that is not done, by position.
type underway struct {
	position, total uint64 // total counts the items up to and with it
	at              time.Time
	fates           pipeline.Fates // none until they are known
}

func newAccount(c cursor, mark func() wal.MarkStats) *account {
	before := mark().ReleasedTotal
	return &account{cursor: c, mark: mark, before: before, done: before}
}

// begin notes that b is on its way. Positions rise; one that comes again changes nothing.
func (a *account) begin(b handoff.Batch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.under); n == 0 || a.under[n-1].position < b.Position {
		a.under = append(a.under, underway{position: b.Position, total: b.TotalItems, at: b.ReceiveTime})
	}
}

// note says what becomes of the items of a request, before it is done.
func (a *account) note(position uint64, f pipeline.Fates) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if u := a.find(position); u != nil {
		u.fates = f
	}
}

// refuse says that the destination has refused for good what was led to it of a request.
func (a *account) refuse(position uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if u := a.find(position); u != nil {
		f := &u.fates
		f.Dropped, f.Led, f.Copied = f.Dropped+f.Led-f.Copied, 0, 0
	}
}

func (a *account) find(position uint64) *underway {
	for i := len(a.under) - 1; i >= 0; i-- {
		if a.under[i].position == position {
			return &a.under[i]
		}
	}
	return nil
}

// Release implements cursor.
func (a *account) Release(position uint64) error {
	a.moving.Lock()
	defer a.moving.Unlock()
	err := a.cursor.Release(position)
	a.settle()
	return err
}

// skip passes over everything up to position; what is still on its way may arrive nonetheless. It tells how many items
// that were.
func (a *account) skip(position uint64) (items uint64, err error) {
	a.moving.Lock()
	defer a.moving.Unlock()
	a.mu.Lock()
	before := a.done
	for i := range a.under {
		if a.under[i].position <= position {
			a.under[i].fates = pipeline.Fates{}
		}
	}
	a.mu.Unlock()
	err = a.cursor.Release(position)
	a.settle()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.done - before, err
}

// settle counts what the mark has passed; moving is held.
func (a *account) settle() {
	mark := a.mark()
	a.mu.Lock()
	n := 0
	for ; n < len(a.under) && a.under[n].position <= mark.Released; n++ {
		a.count(a.under[n].total, a.under[n].fates)
	}
	a.count(mark.ReleasedTotal, pipeline.Fates{})
	var last time.Time
	if n > 0 {
		last = a.under[n-1].at
	}
	a.under = append(a.under[:0], a.under[n:]...)
	a.mu.Unlock()
	if n > 0 && a.passed != nil {
		a.passed(last)
	}
}

// count moves on to total items; those that have no fate are missing. mu is held.
func (a *account) count(total uint64, f pipeline.Fates) {
	if total <= a.done {
		return
	}
	items := total - a.done
	if f.Items() > items { // that cannot be
		f = pipeline.Fates{}
	}
	a.fates.Add(f)
	a.missing += items - f.Items()
	a.done = total
}

// items are how many are done.
func (a *account) items() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.done
}

// destination fills in how far the destination is. refused are the items that it did not take of what it was led, as far
// as that is known only in sum; what it has acknowledged once is not taken back for them.
func (a *account) destination(d *ingestionv1.Destination, refused uint64) {
	mark := a.mark()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delivered = max(a.delivered, a.fates.Led-min(a.fates.Led, refused))
	d.Done, d.DoneBefore, d.Delivered = a.done, a.before, a.delivered
	d.BehindItems, d.BehindBytes = mark.ReleasedTotal+mark.Weight-min(a.done, mark.ReleasedTotal+mark.Weight), uint64(mark.Bytes)
	d.Filtered, d.Aggregated, d.Elsewhere, d.Copied = a.fates.Filtered, a.fates.Joined, a.fates.Elsewhere, a.fates.Copied
	d.Dropped = a.fates.Dropped + a.missing + a.fates.Led - a.delivered
}
