package ingestion

import "context"

// windowBytes is what a gRPC call may have sent before it is read, the least that HTTP/2 grants (RFC 9113 §6.9.2).
const windowBytes = 1<<16 - 1

// seats bound what gRPC reads. It reads messages by itself and tells the size afterwards, while what is read from HTTP,
// and unpacked from either, is counted by the gate as it comes; so only as many calls read at a time as there are seats,
// each good for a message of the largest size, and what the seats may hold is kept apart from what the gate gives:
//
//	seats · largest message + bytes of the gate ≤ in-flight-bytes
type seats struct {
	largest int64
	taken   chan struct{}
}

// newSeats gives up to half of total to the seats, and says what is left for the gate; total is at least twice largest.
func newSeats(total, largest int64) (_ *seats, left int64) {
	n := total / 2 / largest
	return &seats{largest: largest, taken: make(chan struct{}, n)}, total - n*largest
}

// read waits for a seat and calls f in it, which gives the size of what it read; that is then counted for in. A call
// that waits is counted with its window, so that the windows are bounded as well.
func (s *seats) read(ctx context.Context, in *intake, f func() (int, *refusal)) *refusal {
	if no := in.take(windowBytes); no != nil {
		return no
	}
	select {
	case s.taken <- struct{}{}:
		in.give(windowBytes)
	case <-ctx.Done():
		return refuse(overload, "request waited too long to be read: %v", ctx.Err())
	}
	defer func() { <-s.taken }()
	n, no := f()
	if no != nil {
		return no
	}
	return in.take(int64(n))
}

// bytes is how much the seats in use may hold.
func (s *seats) bytes() int64 { return int64(len(s.taken)) * s.largest }
