package handoff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

const (
	maxSender     = 128 // bytes
	maxTenant     = 128 // bytes
	refusedReason = "BATCH_REFUSED"
	positionKey   = "position"
)

// Server gives the batches of streams to a receiver; it implements the handoff service.
type Server struct {
	handoffv1.UnimplementedHandoffServiceServer
	receiver Receiver
	signal   handoffv1.Signal
	metrics  *metrics
	draining chan struct{}
	drain    func()

	mu       sync.Mutex          // guards sessions
	sessions map[string]*session // by sender
}

// NewServer makes the service for one signal.
func NewServer(receiver Receiver, signal handoffv1.Signal, meter metric.Meter) (*Server, error) {
	m, err := newMetrics(meter)
	if err != nil {
		return nil, err
	}
	s := &Server{
		receiver: receiver, signal: signal, metrics: m,
		draining: make(chan struct{}), sessions: make(map[string]*session),
	}
	s.drain = sync.OnceFunc(func() { close(s.draining) })
	return s, nil
}

// Drain ends all streams, and those to come, with UNAVAILABLE, so that the senders turn to another process or wait.
func (s *Server) Drain() { s.drain() }

// Push implements handoffv1.HandoffServiceServer: one goroutine reads and pushes, this one acknowledges.
func (s *Server) Push(stream handoffv1.HandoffService_PushServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	n := &session{
		server: s, cancel: cancel, ended: make(chan struct{}),
		moved: make(chan struct{}, 1), read: make(chan error, 1),
	}
	go n.run(ctx, stream) // it ends with ctx, which ends when this function returns
	var acked uint64
	read := n.read
	for {
		select {
		case <-n.moved:
		case err := <-read:
			if err != nil {
				return err
			}
			read = nil // the sender has no more; what is under way is still acknowledged
		case <-s.draining:
			return status.Error(codes.Unavailable, "receiver is draining")
		case <-ctx.Done():
			return status.Error(codes.Aborted, "the sender has opened another stream, or is gone")
		}
		if position := n.tracker.Position(); position > acked {
			if err := stream.Send(&handoffv1.PushResponse{DonePosition: position}); err != nil {
				return err
			}
			acked = position
		}
		if read == nil && n.tracker.Open() == 0 {
			return nil
		}
	}
}

// take makes n the only stream of its sender, after the one before has left the receiver.
func (s *Server) take(ctx context.Context, n *session) error {
	for {
		s.mu.Lock()
		before := s.sessions[n.sender]
		if before == nil {
			s.sessions[n.sender] = n
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		before.cancel()
		select {
		case <-before.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave makes room for the next stream of the sender.
func (s *Server) leave(n *session) {
	s.mu.Lock()
	if s.sessions[n.sender] == n {
		delete(s.sessions, n.sender)
	}
	s.mu.Unlock()
	close(n.ended)
}

// refuse is the error for a batch that is never taken; it names the batch, so that the sender can pass it over.
func refuse(position uint64, reason string) error {
	st := status.New(codes.InvalidArgument, fmt.Sprintf("batch %d: %s", position, reason))
	info := &errdetails.ErrorInfo{
		Reason: refusedReason, Domain: "triflow", Metadata: map[string]string{positionKey: strconv.FormatUint(position, 10)},
	}
	if detailed, err := st.WithDetails(info); err == nil {
		return detailed.Err()
	}
	return st.Err()
}

// pushError gives the code for an error of the receiver.
func pushError(position uint64, err error) error {
	if IsFinal(err) {
		return refuse(position, err.Error())
	}
	return status.Error(codes.Unavailable, err.Error())
}

// received gives the next request; nil and no error when the sender has no more.
func received(stream handoffv1.HandoffService_PushServer) (*handoffv1.PushRequest, error) {
	r, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return r, err
}
