package ingestion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/rpc"
	"github.com/triflow/triflow/pkg/wal"
)

// retryAfter is the pause asked of a client that comes while there is no room.
const retryAfter = time.Second

// outcome is what a request that could be read is answered with.
type outcome struct {
	refused int
	message string
}

// accept checks a request and makes it durable. The error is a gRPC status. b must not change until accept returns.
func (s *Service) accept(ctx context.Context, signal otlp.Signal, b []byte, marks []otlp.Mark, json bool) (outcome, error) {
	st := s.streams[signal]
	if s.draining.Load() {
		st.refuse("overload", 1)
		return outcome{}, rpc.Unavailable(retryAfter, "the server is going down")
	}
	var r otlp.Request
	if err := r.Scan(signal, b, marks); err != nil {
		st.refuse("malformed", 1)
		return outcome{}, malformed(err)
	}
	var out outcome
	out.refused = r.Refused
	refusals := r.Refusals()
	if len(refusals) > 0 {
		path := refusals[0].Path
		if json {
			path = otlp.JSONPath(path)
		}
		out.message = path + ": " + refusals[0].Text
	}
	if items := r.Items - r.Refused; items > 0 {
		if err := st.append(ctx, s.deps.Now(), items, r.Kept()); err != nil {
			err = notStored(err)
			st.refuse(reason(err), items)
			return outcome{}, err
		}
		s.metrics.accepted.Add(ctx, int64(items), s.metrics.of[signal])
	}
	for _, f := range refusals {
		st.refuse(f.Fault.String(), f.Items)
		s.metrics.refused.Add(ctx, int64(f.Items), s.metrics.of[signal])
	}
	return out, nil
}

func malformed(err error) error {
	var bad *otlp.Malformed
	if errors.As(err, &bad) && bad.Path != "" {
		return rpc.InvalidArgument(bad.Path, err.Error())
	}
	return status.Error(codes.InvalidArgument, err.Error())
}

func tooLarge(limit int) error {
	return status.Errorf(codes.ResourceExhausted, "request is larger than %d bytes", limit)
}

func notStored(err error) error {
	switch {
	case errors.Is(err, wal.ErrTooLarge):
		return status.Error(codes.ResourceExhausted, err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	return rpc.Unavailable(retryAfter, fmt.Sprintf("request not stored: %v", err))
}

// reserve takes n bytes of the ceiling.
func (s *Service) reserve(n int64) error {
	if s.inFlight.Add(n) > s.cfg.InFlightBytes {
		s.inFlight.Add(-n)
		return rpc.Unavailable(retryAfter, fmt.Sprintf("requests in flight hold more than %d bytes", s.cfg.InFlightBytes))
	}
	return nil
}
