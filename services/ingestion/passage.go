package ingestion

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// passage leads requests through the pipelines of a signal to one destination. A request passes once, however often what
// comes of it has to be pushed, so that every count of the pipelines is exact. One goroutine uses it.
type passage struct {
	signal  otlp.Signal
	set     *pipeline.Set
	to      string
	most    otlp.Bounds // of a request that is pushed
	account *account
	now     func() time.Time

	position uint64          // of the last request that passed
	open     []handoff.Batch // what came of it and is still to be pushed
	out      pipeline.Output
}

// push sends on what leads from requests to the destination: all of one tenant, in their order, which pass as one. They
// are done when all that came of them is. The error is that of the receiver; a push that follows it, of the same
// requests, goes on where it ended. What cannot be read is refused for good.
func (p *passage) push(ctx context.Context, all []handoff.Batch, to handoff.Receiver) error {
	if last := all[len(all)-1].Position; p.position != last {
		if err := p.pass(all); err != nil {
			for _, b := range all {
				p.account.refuse(b.Position)
			}
			return handoff.Final(fmt.Errorf("pass batch %d through the pipelines: %w", last, err))
		}
		p.position = last
	}
	for len(p.open) > 0 {
		if err := to.Push(ctx, p.open[0]); err != nil {
			return err
		}
		p.open[0] = handoff.Batch{} // it is gone
		p.open = p.open[1:]
	}
	return nil
}

// pass makes of requests what is to be pushed.
func (p *passage) pass(all []handoff.Batch) error {
	b, done := all[len(all)-1], all[0].Done
	in := pipeline.Input{Signal: p.signal, Payload: b.Payload, Items: b.Items, Tenant: b.Tenant, To: p.to}
	if len(all) > 1 {
		b.ReceiveTime = all[0].ReceiveTime
		if err := join(all, &in); err != nil {
			return err
		}
		done = func() {
			for _, b := range all {
				b.Done()
			}
		}
	}
	start := p.now()
	in.Elapsed = func() time.Duration { return p.now().Sub(start) }
	if err := p.set.Run(in, &p.out); err != nil {
		return err
	}
	for i, b := range all {
		p.account.note(b.Position, p.out.Fates[i])
	}
	parts, err := p.split()
	if err != nil {
		return err
	}
	p.open = slices.Grow(p.open[:0], len(parts))
	b.Done = last(len(parts), done)
	if len(parts) > 0 && (len(all) > 1 || len(parts[0].Bytes) != len(b.Payload) || &parts[0].Bytes[0] != &b.Payload[0]) {
		b.Own, b.Read, b.Digest = nil, nil, 0 // the log has another payload
	}
	for _, part := range parts {
		b.Payload, b.Items = part.Bytes, part.Items
		p.open = append(p.open, b)
	}
	if len(parts) == 0 {
		done()
	}
	return nil
}

// join makes one request of several.
func join(all []handoff.Batch, in *pipeline.Input) (err error) {
	payloads := make([][]byte, len(all))
	in.Requests, in.Items = make([]int, len(all)), 0
	for i, b := range all {
		payloads[i], in.Requests[i] = b.Payload, b.Items
		in.Items += b.Items
	}
	in.Payload, err = otlp.Join(in.Signal, payloads...)
	return err
}

// split gives what came out of the pipelines in requests that are not too large.
func (p *passage) split() (parts []otlp.Part, err error) {
	for _, part := range p.out.Parts {
		if (p.most.Items == 0 || part.Items <= p.most.Items) && (p.most.Bytes == 0 || len(part.Payload) <= p.most.Bytes) {
			parts = append(parts, otlp.Part{Bytes: part.Payload, Items: part.Items})
			continue
		}
		some, err := otlp.Split(p.signal, part.Payload, p.most)
		if err != nil {
			return nil, err
		}
		parts = append(parts, some...)
	}
	return parts, nil
}

// last calls done when it was called n times.
func last(n int, done func()) func() {
	if n <= 1 {
		return done
	}
	left := new(atomic.Int64)
	left.Store(int64(n))
	return func() {
		if left.Add(-1) == 0 {
			done()
		}
	}
}
