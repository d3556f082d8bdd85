package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Bounds on what a backend may make us do.
const (
	maxAnswer   = 4 << 20 // bytes
	maxThrottle = 5 * time.Minute
	maxText     = 512 // bytes of its words that are kept
)

type verdict uint8

const (
	// again is that of what is not known to have arrived.
	again verdict = iota
	accepted
	// refused is for good.
	refused
	// cut is refused as well, but the parts of the request may not be.
	cut
)

// outcome is what an export came to. The zero value is to be tried again.
type outcome struct {
	verdict verdict
	// reason is a word for what is counted by it.
	reason string
	err    error
	// wait is how long the backend asked to be left alone.
	wait time.Duration
	// rejected counts items that the backend did not take of what it accepted.
	rejected int64
	// message is what it said to that.
	message string
	// late: no answer in time. lie: an answer that makes no sense. ill: the backend says that it is broken.
	late, lie, ill bool
	// encoding: what is refused may be how the request is packed.
	encoding bool
	// content: what is refused may be something in the request, so that the rest of it may be taken.
	content bool
	// aborted: we gave up, which says nothing about the backend.
	aborted bool
}

// answered reads the body of an acknowledgement of items. The answers of all signals are the same on the wire.
func answered(body []byte, items int) outcome {
	var r collectorv1.ExportTraceServiceResponse
	if err := proto.Unmarshal(body, &r); err != nil {
		return lie(fmt.Errorf("read acknowledgement: %w", err))
	}
	p := r.GetPartialSuccess()
	if n := p.GetRejectedSpans(); n < 0 || n > int64(items) {
		return lie(fmt.Errorf("acknowledgement rejects %d items, want 0 to %d", n, items))
	}
	return outcome{verdict: accepted, rejected: p.GetRejectedSpans(), message: clip(p.GetErrorMessage())}
}

func lie(err error) outcome { return outcome{reason: "bad answer", err: err, lie: true, ill: true} }

// failedCall judges the error of a gRPC call.
func failedCall(err error) outcome {
	st := status.Convert(err)
	o := outcome{reason: st.Code().String(), err: fmt.Errorf("%s: %s", st.Code(), clip(st.Message()))}
	asked := false
	for _, d := range st.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			asked, o.wait = true, throttle(r.GetRetryDelay().AsDuration())
		}
	}
	switch st.Code() {
	case codes.Canceled, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
	case codes.DeadlineExceeded:
		o.late = true
	case codes.ResourceExhausted:
		if !asked {
			o.verdict, o.content = refused, true
		}
	default:
		o.verdict, o.wait = refused, 0
		o.content = slices.Contains([]codes.Code{codes.InvalidArgument, codes.FailedPrecondition, codes.Internal, codes.Unknown}, st.Code())
		o.encoding = st.Code() == codes.Unimplemented
		o.ill = st.Code() == codes.Internal || st.Code() == codes.Unknown
	}
	return o
}

// failedStatus judges an HTTP status that is none of success.
func failedStatus(code int, header http.Header, body []byte, now time.Time) outcome {
	o := outcome{reason: "HTTP " + strconv.Itoa(code), verdict: refused, ill: code >= http.StatusInternalServerError}
	o.err = fmt.Errorf("%s: %s", o.reason, statusText(body))
	switch code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		o.verdict, o.wait = again, retryAfter(header.Get("Retry-After"), now)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusInternalServerError:
		o.content = true
	case http.StatusUnsupportedMediaType:
		o.encoding = true
	}
	return o
}

// unreachable judges a request without an answer.
func unreachable(err error) outcome {
	o := outcome{reason: "unreachable", err: err, late: errors.Is(err, context.DeadlineExceeded)}
	if o.late {
		o.reason = "timeout"
	}
	return o
}

// retryAfter reads the header: seconds or a date (RFC 9110, §10.2.3). What it cannot read is 0.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	seconds, err := strconv.ParseUint(value, 10, 64)
	switch {
	case err == nil && seconds <= uint64(maxThrottle/time.Second):
		return time.Duration(seconds) * time.Second
	case err == nil || errors.Is(err, strconv.ErrRange):
		return maxThrottle
	}
	if at, err := http.ParseTime(value); err == nil {
		return throttle(at.Sub(now))
	}
	return 0
}

func throttle(d time.Duration) time.Duration { return min(max(d, 0), maxThrottle) }

// backoff gives the wait after round n, from 0: a share of a ceiling that doubles, in [0, 1) (full jitter, Brooker,
// "Exponential Backoff And Jitter", 2015). Unlike there it is never nothing, lest bad luck make a busy loop.
func backoff(r Retry, n int, share float64) time.Duration {
	// A float cannot overflow into a short wait, as a shift can.
	ceiling := min(float64(r.Max), float64(r.Initial)*math.Pow(2, float64(n)))
	return time.Duration(max(ceiling*share, float64(r.Initial)/10, 1))
}

// statusText gives the words of an error body: those of a google.rpc.Status, which OTLP asks for, else all of it.
func statusText(body []byte) string {
	text, err := messageOf(body)
	if err != nil {
		text = string(body)
	}
	return clip(cmp.Or(text, "no explanation"))
}

// clip bounds words of a stranger.
func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "\uFFFD")
}
