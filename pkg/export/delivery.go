package export

import (
	"context"

	"github.com/triflow/triflow/pkg/balance"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// piece is a request with what is to be delivered of one batch.
type piece struct {
	payload []byte
	items   int
}

// part is what is to be delivered together: the pieces one after the other are one request.
type part struct {
	tenant string
	pieces []piece
	items  int // of all
}

// halves cuts p between its pieces, of which there are two at least.
func (p part) halves() []part {
	out := []part{{tenant: p.tenant}, {tenant: p.tenant}}
	for i, one := range p.pieces {
		half := &out[i*2/len(p.pieces)]
		half.pieces = append(half.pieces, one)
		half.items += one.items
	}
	return out
}

// size is in bytes.
func (p part) size() (n int) {
	for _, one := range p.pieces {
		n += len(one.payload)
	}
	return n
}

// share is a part that one endpoint is to get.
type share struct {
	part
	endpoint int // anyone, until it is picked
}

const anyone = -1

// delivery is one joint request on its way, in one goroutine.
type delivery struct {
	x     *Exporter
	joint *joint
	split func(open []part, among []int) []share
}

// work delivers one joint after another until ctx ends.
func (x *Exporter) work(ctx context.Context) {
	d := delivery{x: x, split: whole}
	if x.cfg.Balance == TraceID && x.cfg.Signal == handoffv1.Signal_SIGNAL_TRACES {
		d.split = (&splitter{owners: x.owners}).split
	}
	for {
		select {
		case d.joint = <-x.joined:
			if d.run(ctx) {
				for _, b := range d.joint.batches {
					b.Done()
				}
			}
			d.joint = nil
		case <-ctx.Done():
			return
		}
	}
}

// run is true when all of the joint is done, and false when ctx ended before.
func (d *delivery) run(ctx context.Context) bool {
	open := []part{d.joint.whole()}
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
// the number of its attempts is bounded, however many of them are down. What was refused and cut is no failure: it gets
// smaller each time, down to one batch.
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
			v := d.deliver(ctx, s)
			switch {
			case v == again:
				open = append(open, s.part)
				going = round.Failed(s.endpoint, len(d.x.endpoints)) && going
			case v == cut:
				open = append(open, s.halves()...)
			}
		}
	}
	return open
}

// deliver gives accepted or refused when that is the end of s, again when it has to be delivered yet, and cut when its
// halves have.
func (d *delivery) deliver(ctx context.Context, s share) verdict {
	x, e := d.x, d.x.endpoints[s.endpoint]
	permit, err := e.breaker.Allow(x.deps.Now())
	if err != nil { // another worker's failure has opened it, or another's probe is under way
		x.release(e)
		return again
	}
	o := e.export(ctx, s.part, x.cfg.Timeout)
	o.aborted = o.verdict == again && ctx.Err() != nil
	if o.verdict == refused && o.content && len(s.pieces) > 1 {
		o.verdict = cut
	}
	x.settle(e, permit, o, s.items)
	if !o.aborted {
		x.tell(e, o, d.joint, s.items)
	}
	return o.verdict
}
