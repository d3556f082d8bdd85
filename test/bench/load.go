package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/errgroup"
)

// load says how spans are sent.
type load struct {
	duration    time.Duration
	connections int
	rate        float64 // spans per second over all connections; 0: each sends as soon as it is answered
	transport   transport
	shape       shape
}

// sent is what came of a load.
type sent struct {
	spans   uint64
	refused int           // exports that were to be sent again later
	waited  time.Duration // for that, over all connections
	took    []time.Duration
	window  time.Duration // from the first export to the last answer
}

// due is how many exports are to be sent at the rate, over all connections.
func (l load) due() int {
	return int(math.Ceil(l.rate * l.duration.Seconds() / float64(l.shape.spans)))
}

// senders gives what each connection sends. To make it takes longer than to send it: it is made before the load.
func (l load) senders() ([]exports, error) {
	first, err := newRequest(l.shape)
	if err != nil {
		return nil, err
	}
	all := make([]exports, l.connections)
	for i := range all {
		r := first.with(uint64(i + 1))
		if all[i] = r; l.transport.encoding == "" {
			continue
		}
		if all[i], err = pack(r, l.transport.encoding, time.Now()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// run sends to the OTLP address until the duration is over, and waits for the last answers. There is one of exports
// for each connection.
func (l load) run(ctx context.Context, address string, senders []exports) (sent, error) {
	parts := make([]sent, len(senders))
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for i, e := range senders {
		group.Go(func() (err error) {
			parts[i], err = l.connection(ctx, address, e, i, start)
			return err
		})
	}
	err := group.Wait()
	all := sent{window: time.Since(start)}
	for _, p := range parts {
		all.spans += p.spans
		all.refused += p.refused
		all.waited += p.waited
		all.took = append(all.took, p.took...)
	}
	return all, err
}

// connection sends on the ith connection. With a rate an export's time counts from when it was due, so that a server
// that stalls does not hide the exports that it held up.
func (l load) connection(ctx context.Context, address string, e exports, i int, start time.Time) (out sent, err error) {
	to, err := l.transport.open(address)
	if err != nil {
		return out, err
	}
	defer to.close()
	end := start.Add(l.duration)
	for k := 0; ; k++ {
		due := time.Now()
		if l.rate > 0 {
			due = start.Add(time.Duration(float64(k*l.connections+i) * float64(l.shape.spans) / l.rate * float64(time.Second)))
		}
		if !due.Before(end) || !time.Now().Before(end) {
			return out, nil
		}
		if err := wait(ctx, time.Until(due)); err != nil {
			return out, err
		}
		taken, err := out.export(ctx, to, e.renew(time.Now()), due, end)
		if err != nil {
			return out, err
		}
		if taken {
			out.spans += uint64(l.shape.spans)
		}
	}
}

// export sends one request until it is taken, or until end if it is refused. After a refusal the request is due when
// the delay is over; its time counts from then.
func (s *sent) export(ctx context.Context, to sender, body []byte, due, end time.Time) (taken bool, err error) {
	for {
		err := to.send(ctx, body)
		if err == nil {
			s.took = append(s.took, time.Since(due))
			return true, nil
		}
		var later *refusal
		if !errors.As(err, &later) {
			return false, fmt.Errorf("export: %w", err)
		}
		s.refused++
		due = time.Now().Add(later.delay)
		until := due
		if end.Before(due) {
			until = end
		}
		pause := max(time.Until(until), 0)
		s.waited += pause
		if err := wait(ctx, pause); err != nil {
			return false, err
		}
		if !due.Before(end) {
			return false, nil
		}
	}
}

// wait returns after d, or with an error when ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
