package export

import (
	"context"
	"fmt"
	"net/url"

	statusv1 "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// transport carries requests to one backend. Many goroutines may use it.
type transport interface {
	// send exports items in payload, which it does not read after it returned. It waits until ctx ends at most.
	send(ctx context.Context, payload []byte, items int) outcome
	close() error
}

// raw is a codec that leaves messages the bytes they are.
type raw struct{}

// Name implements encoding.CodecV2.
func (raw) Name() string { return "proto" }

// Marshal implements encoding.CodecV2. It copies, since gRPC may still read after a call has ended early.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("marshal %T: want bytes", v)
	}
	return mem.BufferSlice{mem.Copy(b, mem.DefaultBufferPool())}, nil
}

// Unmarshal implements encoding.CodecV2.
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("unmarshal %T: want bytes", v)
	}
	*b = data.Materialize()
	return nil
}

type grpcTransport struct {
	conn    *grpc.ClientConn
	method  string
	headers metadata.MD
	options []grpc.CallOption
}

func newGRPC(u *url.URL, cfg Config, headers map[string]string) (*grpcTransport, error) {
	// gRPC's own wait before it connects again must not outlast ours.
	reconnect := grpcbackoff.Config{BaseDelay: cfg.Retry.Initial, Multiplier: 2, Jitter: 0.2, MaxDelay: cfg.Retry.Max}
	options := []grpc.CallOption{
		grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(maxAnswer), experimental.AcceptCompressors(gzip.Name),
	}
	if cfg.Gzip {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	conn, err := grpc.NewClient("dns:///"+u.Host, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: cfg.Timeout}),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry())
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", u, err)
	}
	return &grpcTransport{conn, methodOf(cfg.Signal), metadata.New(headers), options}, nil
}

func (t *grpcTransport) send(ctx context.Context, payload []byte, items int) outcome {
	var answer []byte
	if err := t.conn.Invoke(metadata.NewOutgoingContext(ctx, t.headers), t.method, payload, &answer, t.options...); err != nil {
		return failedCall(err)
	}
	return answered(answer, items)
}

func (t *grpcTransport) close() error { return t.conn.Close() }

// messageOf gives the message of a google.rpc.Status.
func messageOf(body []byte) (string, error) {
	var s statusv1.Status
	err := proto.Unmarshal(body, &s)
	return s.GetMessage(), err
}
