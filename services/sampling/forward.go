package sampling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

const (
	// forwardedKey marks a call that a voter passed on, so that two voters that each take the other for the leader do
	// not pass it to and fro.
	forwardedKey   = "triflow-sampling-forwarded"
	forwardTimeout = 5 * time.Second
)

// peers are the connections to the other voters, each made when it is first needed. They are safe for concurrent use.
type peers struct {
	addresses map[string]string
	dial      func(address string) (grpc.ClientConnInterface, func() error, error)

	mu      sync.Mutex // guards all below
	clients map[string]samplingv1.SamplingServiceClient
	closers []func() error
}

func newPeers(addresses map[string]string, dial func(string) (grpc.ClientConnInterface, func() error, error)) *peers {
	return &peers{addresses: addresses, dial: dial, clients: map[string]samplingv1.SamplingServiceClient{}}
}

func (p *peers) client(node string) (samplingv1.SamplingServiceClient, error) {
	address := p.addresses[node]
	if address == "" || p.dial == nil {
		return nil, fmt.Errorf("leader %s: its gRPC address is not configured", node)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.clients[node]; c != nil {
		return c, nil
	}
	conn, closer, err := p.dial(address)
	if err != nil {
		return nil, fmt.Errorf("dial leader %s at %s: %w", node, address, err)
	}
	c := samplingv1.NewSamplingServiceClient(conn)
	p.clients[node], p.closers = c, append(p.closers, closer)
	return c, nil
}

func (p *peers) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.closers {
		errs = append(errs, c())
	}
	p.closers = nil
	clear(p.clients)
	return errors.Join(errs...)
}

// leader gives the client of the voter that leads, and the context that marks the call. cancel is to be called after it.
func (s *Service) leader(ctx context.Context) (c samplingv1.SamplingServiceClient, marked context.Context, cancel func(), err error) {
	if len(metadata.ValueFromIncomingContext(ctx, forwardedKey)) > 0 {
		return nil, nil, nil, errNotLeader
	}
	node := s.node.Load()
	if node == nil {
		return nil, nil, nil, errors.New("this voter has not started")
	}
	_, id := node.LeaderWithID()
	switch string(id) {
	case "":
		return nil, nil, nil, errors.New("there is no leader")
	case s.cfg.Node:
		return nil, nil, nil, errors.New("the leader is not settled yet")
	}
	if c, err = s.peers.client(string(id)); err != nil {
		return nil, nil, nil, err
	}
	s.metrics.forwarded.Add(ctx, 1)
	marked, cancel = context.WithTimeout(metadata.AppendToOutgoingContext(ctx, forwardedKey, s.cfg.Node), forwardTimeout)
	return c, marked, cancel, nil
}
