package wal

import "fmt"

// reservation is for how many positions the marks say at once that they may have been given.
const reservation = 1 << 32

// ahead is up to where the marks must say that positions may have been given, for a segment that begins with next. It
// is for the policies that give positions before they are durable: a reader may have passed a record on that a power
// cut takes back, and who counts each position once would drop another record in its place. So the log goes on behind
// what was reserved, unless Close has said how far it came. mu is held, or nobody else has the log yet.
func (l *Log) ahead(next uint64) uint64 {
	most := uint64(l.opts.SegmentBytes / recordBytes) // of a segment
	if l.opts.Sync == SyncAlways || next+most <= l.reserved {
		return l.reserved
	}
	return next + max(reservation, most)
}

// reserve makes what is ahead of next durable, before a segment begins with it.
func (l *Log) reserve(next uint64) error {
	l.mu.Lock()
	before, to := l.reserved, l.ahead(next)
	l.reserved = to
	l.mu.Unlock()
	if to == before {
		return nil
	}
	err := l.settleAll()
	if err == nil {
		return nil
	}
	l.mu.Lock()
	l.reserved = before
	l.mu.Unlock()
	return full(fmt.Errorf("reserve positions behind %d: %w", next, err))
}
