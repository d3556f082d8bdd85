package soak

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// largestBatch is the most bytes of a batch, as between the roles.
const largestBatch = 64 << 20

// receivers stand for the roles behind ingestion. They live on when it is killed, and take as fast as they are told.
type receivers struct {
	peers   map[string]string // role to address
	tallies [signals]*tally
	doors   [signals]door

	mu      sync.Mutex // guards the rest
	pace    pace
	changed chan struct{} // closed when pace changes
	faults  []error
}

// door is where one signal is handed over.
type door struct {
	address string
	server  *grpc.Server
	served  chan struct{} // closed when server has ended
}

// pace is in items per second of one signal.
type pace float64

// A receiver takes nothing, or whatever comes.
const (
	stopped pace = 0
	open    pace = -1
)

// drainLimit bounds how long what was taken may take to the receivers.
const drainLimit = 3 * time.Minute

// lookEvery is the pause between looks at what moves.
const lookEvery = 50 * time.Millisecond

// newReceivers serves the handoff of all three signals, each on a port of its own, until close.
func newReceivers(ctx context.Context) (*receivers, error) {
	r := &receivers{peers: map[string]string{}, pace: open, changed: make(chan struct{})}
	for s, role := range [signals]string{traces: "assembly", logs: "logs", metrics: "anomaly"} {
		r.tallies[s], r.doors[s].address = newTally(), "127.0.0.1:0"
		if err := r.serve(ctx, signal(s)); err != nil {
			r.close()
			return nil, err
		}
		r.peers[role] = r.doors[s].address
	}
	return r, nil
}

// serve opens the door of a signal.
func (r *receivers) serve(ctx context.Context, s signal) error {
	streams, err := handoff.NewServer(&receiver{all: r, signal: s}, handoffv1.Signal(s+1), noop.Meter{})
	if err != nil {
		return err
	}
	d := &r.doors[s]
	at, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.address)
	if err != nil {
		return fmt.Errorf("listen for handoff: %w", err)
	}
	server, served := grpc.NewServer(grpc.MaxRecvMsgSize(largestBatch),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{PermitWithoutStream: true})), make(chan struct{})
	handoffv1.RegisterHandoffServiceServer(server, streams)
	go func() {
		defer close(served)
		_ = server.Serve(at) // ends by Stop; what does not come is missed in the tally
	}()
	d.address, d.server, d.served = at.Addr().String(), server, served
	return nil
}

// restart breaks all streams, and serves again where it did.
func (r *receivers) restart(ctx context.Context) error {
	for s := range r.doors {
		r.doors[s].close()
		if err := r.serve(ctx, signal(s)); err != nil {
			return err
		}
	}
	return nil
}

// close ends all streams.
func (r *receivers) close() {
	for s := range r.doors {
		r.doors[s].close()
	}
}

func (d *door) close() {
	if d.server != nil {
		d.server.Stop()
		<-d.served
	}
}

// take sets the pace of each signal from now on.
func (r *receivers) take(p pace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pace = p
	close(r.changed)
	r.changed = make(chan struct{})
}

// settle waits until every item that was acknowledged has come, and gives what is wrong.
func (r *receivers) settle(ctx context.Context) error {
	r.take(open)
	var errs []error
	for _, t := range r.tallies {
		for t.lost() > 0 && wait(ctx, lookEvery) == nil {
		}
		errs = append(errs, t.verdict())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(append(errs, r.faults...)...)
}

func (r *receivers) now() (pace, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pace, r.changed
}

func (r *receivers) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, err)
}

// receiver is that of one signal.
type receiver struct {
	all    *receivers
	signal signal
	items  []uint64 // room for the numbers of a batch
}

var _ handoff.Receiver = (*receiver)(nil)

// Push implements handoff.Receiver. It waits as the pace says and is done at once then.
func (r *receiver) Push(ctx context.Context, b handoff.Batch) error {
	if err := r.wait(ctx, b.Items); err != nil {
		return err
	}
	var err error
	if r.items, err = numbers(r.items[:0], r.signal, b.Payload); err != nil || len(r.items) != b.Items {
		r.all.fault(fmt.Errorf("batch %d of %s: %d of %d items can be read: %w", b.Position, b.Sender, len(r.items), b.Items, err))
	}
	r.all.tallies[r.signal].received(b.Position, b.Payload, r.items)
	b.Done()
	return nil
}

func (r *receiver) wait(ctx context.Context, items int) error {
	for {
		pace, changed := r.all.now()
		if pace == open {
			return nil
		}
		var due <-chan time.Time
		if pace > stopped {
			timer := time.NewTimer(time.Duration(float64(items) / float64(pace) * float64(time.Second)))
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-due:
			return nil
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
