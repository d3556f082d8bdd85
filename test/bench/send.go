package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/test/export"
)

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// transport says how an export travels. The zero value is gRPC, not compressed.
type transport struct {
	http     bool
	encoding string // gzip or zstd, over HTTP only; empty: not compressed
}

// String is what the page calls it.
func (t transport) String() string {
	switch {
	case !t.http:
		return "gRPC"
	case t.encoding != "":
		return "HTTP, " + t.encoding
	}
	return "HTTP"
}

// sender sends encoded exports over one connection, one after the other.
type sender interface {
	// send returns nil when all of the body was taken and a *refusal when it is to be sent again.
	send(ctx context.Context, body []byte) error
	close()
}

// refusal is an answer that asks to send the same export again after a delay.
type refusal struct {
	delay time.Duration
	text  string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("refused for %v: %s", r.delay, r.text) }

// open makes a sender; it connects with the first export.
func (t transport) open(address string) (sender, error) {
	if t.http {
		return &overHTTP{
			url: "http://" + address + "/v1/traces", encoding: t.encoding,
			transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true},
		}, nil
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(export.Codec{})))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return overGRPC{conn}, nil
}

type overGRPC struct{ conn *grpc.ClientConn }

func (o overGRPC) close() { _ = o.conn.Close() } // nothing is under way

func (o overGRPC) send(ctx context.Context, body []byte) error {
	var answer []byte
	if err := o.conn.Invoke(ctx, exportMethod, body, &answer); err != nil {
		return ofStatus(err)
	}
	return whole(answer)
}

// ofStatus gives a refusal if an export may be sent again, as OTLP has it: only if the code is UNAVAILABLE, or
// RESOURCE_EXHAUSTED with a delay given. Other errors stay as they are.
func ofStatus(err error) error {
	s := status.Convert(err)
	for _, d := range s.Details() {
		info, is := d.(*errdetails.RetryInfo)
		if is && (s.Code() == codes.Unavailable || s.Code() == codes.ResourceExhausted) {
			return &refusal{info.GetRetryDelay().AsDuration(), s.Message()}
		}
	}
	if s.Code() == codes.Unavailable {
		return &refusal{time.Second, s.Message()}
	}
	return err
}

type overHTTP struct {
	url       string
	encoding  string
	transport *http.Transport // of its own, so that it has a connection of its own
}

func (o *overHTTP) close() { o.transport.CloseIdleConnections() }

func (o *overHTTP) send(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if o.encoding != "" {
		req.Header.Set("Content-Encoding", o.encoding)
	}
	resp, err := o.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return ofCode(resp, answer)
	}
	return whole(answer)
}

// ofCode gives a refusal for the codes after which OTLP over HTTP sends again, and an error for others.
func ofCode(resp *http.Response, answer []byte) error {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		delay := time.Second
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
			delay = time.Duration(seconds) * time.Second
		}
		return &refusal{delay, resp.Status}
	}
	return fmt.Errorf("%s: %q", resp.Status, answer)
}

// whole checks that an answer has no partial success, which is all that it could hold.
func whole(answer []byte) error {
	if len(answer) > 0 {
		return fmt.Errorf("taken in part: %q", answer)
	}
	return nil
}
