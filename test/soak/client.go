package soak

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // the encoding of its name
	"google.golang.org/grpc/status"

	codec "github.com/triflow/triflow/test/export"
	"github.com/triflow/triflow/test/program"
)

// way is how exports travel.
type way struct {
	http     bool
	encoding string // gzip, or zstd over HTTP; empty: not compressed
}

// ways are those that senders use in turn.
func ways() []way {
	return []way{{}, {http: true}, {encoding: "gzip"}, {http: true, encoding: "gzip"}, {http: true, encoding: "zstd"}}
}

// client sends exports over one connection, one after the other.
type client interface {
	// send returns nil when all of the export was taken, and a *refusal when it may be sent again later as OTLP has it:
	// by a code for that, with a delay. All else is a fault of the server.
	send(ctx context.Context, e *export) error
	close()
}

// refusal is an answer that asks to come again after a delay.
type refusal struct {
	code  string
	delay time.Duration
	text  string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("%s for %v: %s", r.code, r.delay, r.text) }

// open makes a client that connects with its first export.
func (w way) open(to *program.Ingestion) (client, error) {
	if w.http {
		return &overHTTP{base: "http://" + to.HTTP, encoding: w.encoding, transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}}, nil
	}
	options := []grpc.CallOption{grpc.ForceCodecV2(codec.Codec{})}
	if w.encoding != "" {
		options = append(options, grpc.UseCompressor(w.encoding))
	}
	conn, err := grpc.NewClient("passthrough:///"+to.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(options...))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", to.GRPC, err)
	}
	return overGRPC{conn}, nil
}

type overGRPC struct{ conn *grpc.ClientConn }

func (o overGRPC) close() { _ = o.conn.Close() } // nothing is under way

func (o overGRPC) send(ctx context.Context, e *export) error {
	method := [signals]string{
		traces:  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
		logs:    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
		metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
	}[e.signal]
	var answer []byte
	if err := o.conn.Invoke(ctx, method, e.body, &answer); err != nil {
		return refusedByStatus(err)
	}
	return whole(answer)
}

func refusedByStatus(err error) error {
	s := status.Convert(err)
	for _, d := range s.Details() {
		info, is := d.(*errdetails.RetryInfo)
		if is && info.GetRetryDelay().AsDuration() > 0 && (s.Code() == codes.Unavailable || s.Code() == codes.ResourceExhausted) {
			return &refusal{s.Code().String(), info.GetRetryDelay().AsDuration(), s.Message()}
		}
	}
	return fmt.Errorf("neither taken nor refused for a while: %w", err)
}

type overHTTP struct {
	base      string
	encoding  string
	transport *http.Transport // of its own, so that it has a connection of its own
	packed    bytes.Buffer
}

func (o *overHTTP) close() { o.transport.CloseIdleConnections() }

func (o *overHTTP) send(ctx context.Context, e *export) error {
	body, err := o.pack(e.body)
	if err != nil {
		return err
	}
	path := [signals]string{traces: "/v1/traces", logs: "/v1/logs", metrics: "/v1/metrics"}[e.signal]
	lent := &lent{Reader: bytes.NewReader(body), back: make(chan struct{})}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.base+path, lent)
	if err != nil {
		return err
	}
	defer func() { <-lent.back }() // an answer may come before all is sent
	req.ContentLength = int64(len(body))
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
		return refusedByCode(resp, answer)
	}
	return whole(answer)
}

// lent is a body that is not to be changed before it is given back.
type lent struct {
	*bytes.Reader
	once sync.Once
	back chan struct{}
}

// Close implements io.Closer.
func (l *lent) Close() error {
	l.once.Do(func() { close(l.back) })
	return nil
}

func (o *overHTTP) pack(body []byte) ([]byte, error) {
	o.packed.Reset()
	var w io.WriteCloser
	var err error
	switch o.encoding {
	case "":
		return body, nil
	case "gzip":
		w, err = gzip.NewWriterLevel(&o.packed, gzip.BestSpeed)
	default:
		w, err = zstd.NewWriter(&o.packed, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	if err != nil {
		return nil, err
	}
	_, err = w.Write(body)
	err = errors.Join(err, w.Close())
	return o.packed.Bytes(), err
}

func refusedByCode(resp *http.Response, answer []byte) error {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err == nil && seconds > 0 && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable) {
		return &refusal{strconv.Itoa(resp.StatusCode), time.Duration(seconds) * time.Second, string(answer)}
	}
	return fmt.Errorf("neither taken nor refused for a while: %s, retry-after %q: %q", resp.Status, resp.Header.Get("Retry-After"), answer)
}

// whole checks that an answer has no partial success, which is all that it could hold.
func whole(answer []byte) error {
	if len(answer) > 0 {
		return fmt.Errorf("taken in part: %q", answer)
	}
	return nil
}
