package pipeline

import "slices"

// Reason is why an item is no more.
type Reason uint8

// The reasons.
const (
	// Filtered is by a filter.
	Filtered Reason = iota
	// Budget is over a bound on the way to a mask.
	Budget
	// Joined is by an aggregate, which made the item part of another.
	Joined

	reasons
)

// String is the name of the reason.
func (r Reason) String() string {
	return [...]string{"pipeline_filter", "pipeline_budget", "pipeline_aggregate"}[r]
}

// Output is what became of a request. The zero value is ready for Run, and so is one that was used.
type Output struct {
	// Parts are for one destination each, Service first.
	Parts []Part
	// Fates are those of the items of each of Input.Requests, or of all if there are none, on the way to Input.To.
	Fates []Fates
	// Dropped are items that are no more, by Reason.
	Dropped [reasons]int
	// Overrun are items that were over a bound and went on to Service.
	Overrun int
	// Failed are evaluations of expressions that failed on an item, as for an attribute that is absent.
	Failed int
}

// Part is what one destination gets.
type Part struct {
	Destination string
	// Payload is Input.Payload if all of it goes there and no stage edits, else memory of its own.
	Payload []byte
	Items   int
}

// finish writes what each destination gets.
func (r *run) finish() {
	for d, entries := range r.outbox {
		if len(entries) == 0 || r.in.To != "" && r.in.To != r.set.destinations[d] {
			continue
		}
		slices.SortStableFunc(entries, func(a, b entry) int { return int(a.at) - int(b.at) })
		part := Part{Destination: r.set.destinations[d], Payload: r.in.Payload, Items: len(entries)}
		if !r.untouched(entries) {
			r.items = r.items[:0]
			for i := range entries {
				r.items = append(r.items, entries[i].Item)
			}
			part.Payload = r.batch.Append(make([]byte, 0, r.batch.Size(r.items)), r.items)
		}
		r.out.Parts = append(r.out.Parts, part)
	}
}

// untouched tells whether entries are the request as it came.
func (r *run) untouched(entries []entry) bool {
	if len(entries) != len(r.batch.Items) {
		return false
	}
	for i := range entries {
		if entries[i].edited || int(entries[i].at) != i {
			return false
		}
	}
	return true
}
