package ingestion

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/rpc"
	"github.com/triflow/triflow/pkg/wal"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

// retryAfter is the pause asked of a client that comes while there is no room.
const retryAfter = time.Second

// class is a way in which a whole request is refused: its word in the ledger and the metrics, and what the client gets.
type class struct {
	word string
	grpc codes.Code
	http int
}

// The classes. Those of HTTP 429 and 503 ask the client to come again.
var (
	malformed   = class{"malformed", codes.InvalidArgument, http.StatusBadRequest}
	tooLarge    = class{"too_large", codes.ResourceExhausted, http.StatusRequestEntityTooLarge}
	wrongPath   = class{"unsupported", codes.NotFound, http.StatusNotFound}
	wrongMethod = class{"unsupported", codes.Unimplemented, http.StatusMethodNotAllowed}
	wrongType   = class{"unsupported", codes.InvalidArgument, http.StatusUnsupportedMediaType}
	rate        = class{"rate", codes.ResourceExhausted, http.StatusTooManyRequests}
	overload    = class{"overload", codes.Unavailable, http.StatusServiceUnavailable}
	full        = class{"full", codes.Unavailable, http.StatusServiceUnavailable}
	draining    = class{"draining", codes.Unavailable, http.StatusServiceUnavailable}
	notStored   = class{"not_stored", codes.Unavailable, http.StatusServiceUnavailable}
	late        = class{"deadline", codes.DeadlineExceeded, http.StatusServiceUnavailable}
	canceled    = class{"canceled", codes.Canceled, http.StatusServiceUnavailable}
)

// refusal is the error of a request that is refused as a whole.
type refusal struct {
	class
	field string // path of the faulty field, if it is one
	text  string
	delay time.Duration // before the client may come again, if it may

	counted bool // for the tenant
}

func refuse(k class, format string, args ...any) *refusal {
	return &refusal{class: k, text: fmt.Sprintf(format, args...), delay: retryAfter}
}

// retryable tells that the same request may be taken later.
func (r *refusal) retryable() bool {
	return r.http == http.StatusServiceUnavailable || r.http == http.StatusTooManyRequests
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// GRPCStatus is what gRPC answers with, on either transport.
func (r *refusal) GRPCStatus() *status.Status {
	switch {
	case r.field != "":
		return status.Convert(rpc.InvalidArgument(r.field, r.text))
	case r.retryable():
		return status.Convert(rpc.Retry(r.grpc, r.delay, r.text))
	}
	return status.New(r.grpc, r.text)
}

// notAdmitted refuses what the gate refused.
func notAdmitted(v admit.Verdict) *refusal {
	k := overload
	switch v.Reason {
	case admit.Admitted:
		return nil
	case admit.Rate:
		k = rate
	case admit.Malformed:
		k = malformed
	}
	return &refusal{class: k, text: v.String(), delay: v.Wait, counted: true}
}

func overLimit(bytes int) *refusal { return refuse(tooLarge, "request is larger than %d bytes", bytes) }

// notScanned refuses what otlp could not read.
func notScanned(err error) *refusal {
	r := refuse(malformed, "%v", err)
	var bad *otlp.Malformed
	if errors.As(err, &bad) {
		r.field = bad.Path
	}
	return r
}

// notAppended refuses what the log did not take.
func notAppended(err error) *refusal {
	switch {
	case errors.Is(err, wal.ErrTooLarge):
		return refuse(tooLarge, "%v", err)
	case errors.Is(err, wal.ErrFull):
		return refuse(full, "request not stored: %v", err)
	case errors.Is(err, wal.ErrClosed):
		return refuse(draining, "request not stored: %v", err)
	case errors.Is(err, context.Canceled):
		return refuse(canceled, "request not stored: %v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(late, "request not stored: %v", err)
	}
	return refuse(notStored, "request not stored: %v", err)
}

// notRead refuses what gRPC could not read, and has answered by then: this is for the ledger.
func notRead(err error) *refusal {
	k := malformed
	switch status.Code(err) {
	case codes.ResourceExhausted:
		k = tooLarge
	case codes.Canceled:
		k = canceled
	case codes.DeadlineExceeded:
		k = late
	}
	return refuse(k, "read message: %s", status.Convert(err).Message())
}
