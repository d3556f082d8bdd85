package export

import (
	"context"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// part is a request with what is still to be delivered of a batch.
type part struct {
	payload []byte
	items   int
}

// share is a part that one endpoint is to get.
type share struct {
	part
	endpoint int // anyone, until it is picked
}

const anyone = -1

// delivery is one batch on its way, in one goroutine.
type delivery struct {
	x     *Exporter
	batch handoff.Batch
	split func(open []part, among []int) []share
}

// work delivers one batch after another until ctx ends.
func (x *Exporter) work(ctx context.Context) {
	d := delivery{x: x, split: whole}
	if x.cfg.Balance == TraceID && x.cfg.Signal == handoffv1.Signal_SIGNAL_TRACES {
		d.split = (&splitter{owners: x.owners}).split
	}
	for {
		select {
		case d.batch = <-x.in:
			if d.run(ctx) {
				d.batch.Done()
			}
			d.batch = handoff.Batch{}
		case <-ctx.Done():
			return
		}
	}
}

// run is true when the batch is done, and false when ctx ended before.
func (d *delivery) run(ctx context.Context) bool {
	open := []part{{d.batch.Payload, d.batch.Items}}
	for n := 0; ; n++ {
		if open = d.round(ctx, open); len(open) == 0 {
			return true
		}
		if !sleep(ctx, d.x.pause(n)) {
			return false
		}
	}
}

// round tries to deliver open and gives what it could not. It ends when each endpoint that can be used has failed, so
// the number of its attempts is bounded, however many of them are down.
func (d *delivery) round(ctx context.Context, open []part) []part {
	var round balance.Round
	for going := true; going && len(open) > 0 && ctx.Err() == nil; {
		among := d.x.candidates(&round)
		if len(among) == 0 {
			break
		}
		shares := d.split(open, among)
		d.x.reserve(shares, among)
		open = nil
		for _, s := range shares {
			if !d.deliver(ctx, s) {
				open = append(open, s.part)
				going = round.Failed(s.endpoint, len(d.x.endpoints)) && going
			}
		}
	}
	return open
}

// deliver is true when the endpoint of s has taken it, or refused it for good.
func (d *delivery) deliver(ctx context.Context, s share) bool {
	x, e := d.x, d.x.endpoints[s.endpoint]
	permit, err := e.breaker.Allow(x.deps.Now())
	if err != nil { // another worker's failure has opened it, or another's probe is under way
		x.release(e)
		return false
	}
	o := e.export(ctx, s.part, x.cfg.Timeout)
	o.aborted = o.verdict == again && ctx.Err() != nil
	x.settle(e, permit, o, s.items)
	if !o.aborted {
		x.tell(e, o, d.batch, s.items)
	}
	return o.verdict != again
}
