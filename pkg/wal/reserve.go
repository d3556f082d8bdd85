package wal

// reservation is for how many positions the marks say at once that they may have been given.
const reservation = 1 << 32

// reserve is for the policies that give positions before they are durable. A reader may have passed a record on that a
// power cut takes back, and who counts each position once would drop another record in its place. So the marks say
// ahead what may be given, and the log goes on behind that unless Close has said how far it came. It is true when the
// marks must be settled before the segment that begins with next.
func (l *Log) reserve(next uint64) bool {
	if l.opts.Sync == SyncAlways {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	most := uint64(l.opts.SegmentBytes / recordBytes) // of a segment
	if next+most <= l.reserved {
		return false
	}
	l.reserved = next + max(reservation, most)
	return true
}
