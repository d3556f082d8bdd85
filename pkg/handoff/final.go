package handoff

import (
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrFinal marks a refusal that pushing again does not change; wrap it with the reason.
var ErrFinal = errors.New("batch is refused for good")

// ErrStopped says that a client takes nothing any more.
var ErrStopped = errors.New("handoff has stopped")

// Final marks err as a refusal for good.
func Final(err error) error { return fmt.Errorf("%w: %w", ErrFinal, err) }

// IsFinal tells whether pushing again is in vain: err is marked, or has the code INVALID_ARGUMENT.
func IsFinal(err error) bool {
	return errors.Is(err, ErrFinal) || status.Code(err) == codes.InvalidArgument
}

// pace is the wait between attempts: exponential, with jitter, and never ending.
func pace() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second,
	}
}
