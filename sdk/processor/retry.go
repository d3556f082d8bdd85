package processor

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

// The first and the last of the ceilings under which a wait is drawn at random. They double.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

// untilReached calls export again while the server is not there, until ctx ends. The exporter for OTLP over gRPC waits
// for a server itself, that over HTTP gives up when a connection is refused.
func untilReached(ctx context.Context, export func() error) error {
	for ceiling := firstWait; ; ceiling = min(2*ceiling, lastWait) {
		err := export()
		if err == nil || !unreached(err) {
			return err
		}
		// Full jitter (Brooker, "Exponential Backoff And Jitter", 2015), but never nothing.
		timer := time.NewTimer(firstWait/10 + rand.N(ceiling))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// unreached tells that there was no connection, or that it broke: then nobody knows what came of the export, and if it
// arrived after all, the receiver sees by its numbers that it comes again.
func unreached(err error) bool {
	var broken *net.OpError
	return errors.As(err, &broken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
