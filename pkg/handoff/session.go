package handoff

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// session is one stream of a sender.
type session struct {
	server  *Server
	sender  string
	cancel  context.CancelFunc
	ended   chan struct{} // closed when it will not touch the receiver any more
	tracker Tracker
	moved   chan struct{} // holds a token when the tracker may have moved
	read    chan error    // how reading ended; nil when the sender closed the stream

	sequence, position uint64 // of the batch before
}

// run reads and pushes until the stream ends, one batch at a time.
func (n *session) run(ctx context.Context, stream handoffv1.HandoffService_PushServer) {
	defer n.server.leave(n)
	for {
		r, err := received(stream)
		if r != nil {
			err = n.one(ctx, r)
		}
		if r == nil || err != nil {
			n.read <- err
			return
		}
	}
}

func (n *session) one(ctx context.Context, r *handoffv1.PushRequest) error {
	if n.sender == "" {
		if l := len(r.GetSender()); l < 1 || l > maxSender {
			return status.Errorf(codes.InvalidArgument, "sender: %d bytes, want 1 to %d", l, maxSender)
		}
		n.sender = r.GetSender()
		if err := n.server.take(ctx, n); err != nil {
			return status.FromContextError(err).Err()
		}
	}
	fresh, err := n.check(ctx, r)
	if !fresh || err != nil {
		return err
	}
	n.tracker.Begin(r.GetPosition())
	b := Batch{
		Sender: r.GetSender(), Position: r.GetPosition(), TotalItems: r.GetTotalItems(), Items: int(r.GetItems()),
		Signal: r.GetSignal(), Tenant: r.GetTenant(), Payload: r.GetPayload(), Digest: r.GetCrc32C(),
		Done: sync.OnceFunc(func() { n.done(r.GetPosition()) }),
	}
	if r.GetReceiveTime() != nil {
		b.ReceiveTime = r.GetReceiveTime().AsTime()
	}
	n.server.metrics.received.Add(ctx, 1)
	if err := n.server.receiver.Push(ctx, b); err != nil {
		return pushError(b.Position, err)
	}
	return nil
}

// check finds what went wrong on the way. A batch that came twice is dropped. After a gap, a step back or a wrong
// digest the stream ends, so that the sender begins again with the first batch that is not done: going on would
// acknowledge what never came.
func (n *session) check(ctx context.Context, r *handoffv1.PushRequest) (fresh bool, err error) {
	m := n.server.metrics
	switch {
	case r.GetSender() != n.sender:
		return false, status.Errorf(codes.InvalidArgument, "sender: %q, want %q as before", r.GetSender(), n.sender)
	case r.GetSequence() <= n.sequence:
		m.duplicates.Add(ctx, 1)
		return false, nil
	case r.GetSequence() > n.sequence+1:
		m.gaps.Add(ctx, 1)
		return false, status.Errorf(codes.DataLoss, "sequence: %d, want %d", r.GetSequence(), n.sequence+1)
	case r.GetPosition() <= n.position:
		m.reordered.Add(ctx, 1)
		return false, status.Errorf(codes.DataLoss, "position: %d, want above %d", r.GetPosition(), n.position)
	case len(r.GetTenant()) > maxTenant:
		m.refused.Add(ctx, 1)
		return false, refuse(r.GetPosition(), fmt.Sprintf("tenant: %d bytes, want at most %d", len(r.GetTenant()), maxTenant))
	case Digest(r.GetPayload()) != r.GetCrc32C():
		m.corrupt.Add(ctx, 1)
		return false, status.Errorf(codes.DataLoss, "crc32c of batch %d: %08x, want %08x",
			r.GetPosition(), Digest(r.GetPayload()), r.GetCrc32C())
	case r.GetSignal() != n.server.signal:
		m.refused.Add(ctx, 1)
		return false, refuse(r.GetPosition(), fmt.Sprintf("signal: %v, want %v", r.GetSignal(), n.server.signal))
	}
	n.sequence, n.position = r.GetSequence(), r.GetPosition()
	return true, nil
}

// done is the Done of a batch; it may come after the stream ended.
func (n *session) done(position uint64) {
	n.tracker.Done(position)
	select {
	case n.moved <- struct{}{}:
	default:
	}
}
