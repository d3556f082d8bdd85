package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// sinkMessage is the most bytes of a batch, as between the roles.
const sinkMessage = 64 << 20

// sink stands for the roles behind ingestion: it takes what is handed over and is done with it at once.
type sink struct {
	peers   map[string]string // role to address
	servers []*grpc.Server
	serving sync.WaitGroup

	mu      sync.Mutex // guards the rest
	items   map[handoffv1.Signal]uint64
	changed chan struct{} // closed with the next batch
}

var _ handoff.Receiver = (*sink)(nil)

// newSink serves the handoff of all three signals, each on a port of its own, until close.
func newSink(ctx context.Context) (_ *sink, err error) {
	s := &sink{peers: map[string]string{}, items: map[handoffv1.Signal]uint64{}, changed: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for role, signal := range map[string]handoffv1.Signal{
		"assembly": handoffv1.Signal_SIGNAL_TRACES, "logs": handoffv1.Signal_SIGNAL_LOGS, "anomaly": handoffv1.Signal_SIGNAL_METRICS,
	} {
		streams, err := handoff.NewServer(s, signal, noop.Meter{})
		if err != nil {
			return nil, err
		}
		at, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("listen for %s: %w", role, err)
		}
		server := grpc.NewServer(grpc.MaxRecvMsgSize(sinkMessage),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{PermitWithoutStream: true}))
		handoffv1.RegisterHandoffServiceServer(server, streams)
		s.serving.Go(func() { _ = server.Serve(at) }) // ends by close; a batch that does not come is found by reached
		s.servers, s.peers[role] = append(s.servers, server), at.Addr().String()
	}
	return s, nil
}

// close ends all streams.
func (s *sink) close() {
	for _, server := range s.servers {
		server.Stop()
	}
	s.serving.Wait()
}

// Push implements handoff.Receiver.
func (s *sink) Push(_ context.Context, b handoff.Batch) error {
	s.mu.Lock()
	s.items[b.Signal] += uint64(b.Items)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	b.Done()
	return nil
}

// reached waits until at least n spans have come.
func (s *sink) reached(ctx context.Context, n uint64) error {
	for {
		s.mu.Lock()
		spans, changed := s.items[handoffv1.Signal_SIGNAL_TRACES], s.changed
		s.mu.Unlock()
		if spans >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%d of %d spans were handed over", spans, n), context.Cause(ctx))
		}
	}
}

// spans is how many have come.
func (s *sink) spans() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[handoffv1.Signal_SIGNAL_TRACES]
}
