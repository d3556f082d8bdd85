package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// routeLimit is how long the last spans of a load may take to the sink.
const routeLimit = time.Minute

// intake is one load on ingestion alone, and what it cost.
type intake struct {
	load       load
	durability string
	cores      int // of the process; 0: all

	sent    sent
	cost    cost  // from before the first export until all was done at the sink
	peakRSS int64 // bytes
}

// measure runs the binary with an empty log and sends the load to it.
func (in *intake) measure(ctx context.Context, binary, dir string) (err error) {
	g, err := startIngestion(ctx, binary, dir, in.durability, in.cores)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	senders, err := in.load.senders()
	if err != nil {
		return err
	}
	before, err := g.cost(ctx)
	if err != nil {
		return err
	}
	if err := in.send(ctx, g, senders); err != nil {
		return fmt.Errorf("%w; triflow logged %v", err, complaints(g.Output()))
	}
	after, err := g.cost(ctx)
	if err != nil {
		return err
	}
	in.cost = after.since(before)
	in.peakRSS, err = g.PeakRSS()
	return err
}

// send sends the load and waits until all of it is routed.
func (in *intake) send(ctx context.Context, g *ingestion, senders []exports) (err error) {
	address := g.GRPC
	if in.load.transport.http {
		address = g.HTTP
	}
	if in.sent, err = in.load.run(ctx, address, senders); err != nil {
		return err
	}
	return in.routed(ctx, g)
}

// routed waits until the sink has all spans and the ledger knows that they are done; no span may be more or less.
func (in *intake) routed(ctx context.Context, g *ingestion) error {
	ctx, cancel := context.WithTimeout(ctx, routeLimit)
	defer cancel()
	if err := g.sink.reached(ctx, in.sent.spans); err != nil {
		return err
	}
	for {
		l, err := g.ledger(ctx)
		switch {
		case err != nil:
			return err
		case l.GetAccepted() != in.sent.spans:
			return fmt.Errorf("ingestion ledger: %d spans accepted, want the %d acknowledged", l.GetAccepted(), in.sent.spans)
		case g.sink.spans() != in.sent.spans:
			return fmt.Errorf("%d spans were handed over, want the %d acknowledged", g.sink.spans(), in.sent.spans)
		case l.GetDone() == in.sent.spans:
			return nil
		}
		if err := wait(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("ingestion ledger: %d of %d spans done: %w", l.GetDone(), in.sent.spans, err)
		}
	}
}

func (in *intake) perSecond() float64 { return float64(in.sent.spans) / in.sent.window.Seconds() }

// perSpan divides by the spans that were sent.
func (in *intake) perSpan(x float64) float64 { return x / float64(in.sent.spans) }

// micros is a time on cores by the span, in µs.
func (in *intake) micros(d time.Duration) float64 {
	return in.perSpan(float64(d) / float64(time.Microsecond))
}

// String names the row.
func (in *intake) String() string {
	name := fmt.Sprintf("%s, %d spans, %d connections, %s", in.load.transport, in.load.shape.spans, in.load.connections, in.durability)
	if in.load.rate > 0 {
		name += fmt.Sprintf(", %s spans/s due", thousands(in.load.rate))
	}
	if in.cores > 0 {
		name += fmt.Sprintf(", GOMAXPROCS=%d", in.cores)
	}
	return name
}
