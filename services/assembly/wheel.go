package assembly

import "time"

const (
	// wheelTick is how exactly a wheel keeps time.
	wheelTick = 50 * time.Millisecond
	wheelSize = 1024
	// maxDeadline is how far ahead a wheel looks.
	maxDeadline = wheelTick * (wheelSize - 1)
)

// turn is an appointment with a trace. It counts if the trace still has the ticket.
type turn struct {
	trace  *trace
	ticket uint32
}

// wheel is a timing wheel of one turn: adding and advancing cost the same however many wait (Varghese and Lauck,
// "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 4). What lies beyond the wheel comes early, and is for the
// caller to add again. The zero value is ready.
type wheel struct {
	slots [wheelSize][]turn
	at    int64 // tick up to which all has come
	due   []turn
}

// add makes t come at a time, or at the next advance if that is past.
func (w *wheel) add(at int64, t turn) {
	tick := (at + int64(wheelTick) - 1) / int64(wheelTick)
	tick = min(max(tick, w.at+1), w.at+wheelSize-1)
	i := tick % wheelSize
	w.slots[i] = append(w.slots[i], t)
}

// advance gives what has come since the last call; it is valid until the next.
func (w *wheel) advance(now int64) []turn {
	w.due = w.due[:0]
	to := now / int64(wheelTick)
	for tick := max(w.at+1, to-wheelSize+1); tick <= to; tick++ {
		i := tick % wheelSize
		w.due = append(w.due, w.slots[i]...)
		clear(w.slots[i])
		w.slots[i] = w.slots[i][:0]
	}
	w.at = max(w.at, to)
	return w.due
}
