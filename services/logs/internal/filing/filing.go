// Package filing says under which time a log record is filed. It is pure.
//
// Milliseconds where nanoseconds belong land in January 1970, and a clock that is ahead lands years from now. Filed there,
// a record is outside of every window and the first or the last to be deleted. So a time must be plausible to be used;
// what came is kept beside it.
package filing

import "time"

const (
	// earliest is the year 2000. Every mistake of unit or epoch that is common (s, ms, µs, ticks of 100 ns since 1601 or
	// since year 1, ns since 2001) lands before it.
	earliest = 946684800e9
	// maxAhead is how far a record's time may lie behind its arrival; a clock that is further ahead is not believed.
	maxAhead = 24 * time.Hour
)

// Times are those of a record as they came, in Unix ns; 0: not given.
type Times struct {
	Own, Observed uint64
}

// Filed is where a record belongs, with what was wrong with its times.
type Filed struct {
	At time.Time // UTC
	// The time was given and is not plausible.
	BadOwn, BadObserved bool
}

// File gives the first plausible of the record's own time, the time when it was observed, and its arrival.
func (t Times) File(received time.Time) Filed {
	own, observed := plausible(t.Own, received), plausible(t.Observed, received)
	f := Filed{At: received.UTC(), BadOwn: t.Own != 0 && !own, BadObserved: t.Observed != 0 && !observed}
	switch {
	case own:
		f.At = time.Unix(0, int64(t.Own)).UTC()
	case observed:
		f.At = time.Unix(0, int64(t.Observed)).UTC()
	}
	return f
}

func plausible(nanos uint64, received time.Time) bool {
	return nanos >= earliest && nanos <= uint64(received.Add(maxAhead).UnixNano())
}
