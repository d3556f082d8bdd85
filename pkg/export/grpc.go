package export

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	statusv1 "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// transport carries requests to one backend. Many goroutines may use it.
type transport interface {
	// send exports p, packed if it may be, and does not read the payloads after it returned. It waits until ctx ends at
	// most.
	send(ctx context.Context, p part, packed bool) outcome
	close() error
}

// raw is a codec that leaves messages the bytes they are.
type raw struct{}

// Name implements encoding.CodecV2.
func (raw) Name() string { return "proto" }

// Marshal implements encoding.CodecV2. It copies, since gRPC may still read after a call has ended early.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	p, ok := v.(part)
	if !ok {
		return nil, fmt.Errorf("marshal %T: want a part", v)
	}
	var out mem.BufferSlice
	for _, one := range p.pieces {
		out = append(out, mem.Copy(one.payload, mem.DefaultBufferPool()))
	}
	return out, nil
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
	headers *headers
	tenant  string // header, if any
	options []grpc.CallOption
}

func newGRPC(u *url.URL, cfg Config, h *headers, k *keys) (*grpcTransport, error) {
	// gRPC's own wait before it connects again must not outlast ours.
	reconnect := grpcbackoff.Config{BaseDelay: cfg.Retry.Initial, Multiplier: 2, Jitter: 0.2, MaxDelay: cfg.Retry.Max}
	options := []grpc.DialOption{
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: cfg.Timeout}),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
	}
	if overTLS(u) {
		options = append(options, grpc.WithTransportCredentials(handshaker{k}))
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	if name := k.get().ServerName; name != "" {
		options = append(options, grpc.WithAuthority(name))
	}
	if p := newPacker(cfg.Compression); p != nil {
		options = append(options, grpc.WithCompressor(p)) //nolint:staticcheck // the other way is one for the whole process
	}
	conn, err := grpc.NewClient("dns:///"+u.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", u, err)
	}
	return &grpcTransport{conn, methodOf(cfg.Signal), h, strings.ToLower(cfg.TenantHeader), []grpc.CallOption{
		grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(maxAnswer), experimental.AcceptCompressors(gzip.Name),
	}}, nil
}

func (t *grpcTransport) send(ctx context.Context, p part, packed bool) outcome {
	md := metadata.MD{}
	t.headers.all(func(name, value string) { md.Set(name, value) })
	if t.tenant != "" && p.tenant != "" {
		md.Set(t.tenant, p.tenant)
	}
	options := t.options
	if !packed {
		options = append(slices.Clone(options), grpc.UseCompressor(encoding.Identity))
	}
	var answer []byte
	if err := t.conn.Invoke(metadata.NewOutgoingContext(ctx, md), t.method, p, &answer, options...); err != nil {
		return failedCall(err)
	}
	return answered(answer, p.items)
}

func (t *grpcTransport) close() error { return t.conn.Close() }

// messageOf gives the message of a google.rpc.Status.
func messageOf(body []byte) (string, error) {
	var s statusv1.Status
	err := proto.Unmarshal(body, &s)
	return s.GetMessage(), err
}
