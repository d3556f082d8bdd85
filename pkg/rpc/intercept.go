package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Interceptors watch over the calls that a process serves, in process and from outside alike: a call without a
// deadline gets one, a panic becomes INTERNAL and is logged, and every call is counted by method and code.
type Interceptors struct {
	log      *slog.Logger
	limit    time.Duration
	duration metric.Float64Histogram
}

// NewInterceptors makes the interceptors; limit is the deadline of a unary call that came without one.
func NewInterceptors(log *slog.Logger, meter metric.Meter, limit time.Duration) (*Interceptors, error) {
	duration, err := meter.Float64Histogram("rpc.server.duration", metric.WithUnit("s"),
		metric.WithDescription("How long calls took, by method and code."))
	if err != nil {
		return nil, fmt.Errorf("make instrument: %w", err)
	}
	return &Interceptors{log: log, limit: limit, duration: duration}, nil
}

// Unary is a grpc.UnaryServerInterceptor.
func (i *Interceptors) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, i.limit)
		defer cancel()
	}
	defer i.finish(ctx, info.FullMethod, time.Now(), &err)
	return next(ctx, req)
}

// Stream is a grpc.StreamServerInterceptor.
func (i *Interceptors) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer i.finish(stream.Context(), info.FullMethod, time.Now(), &err)
	return next(srv, stream)
}

// finish is deferred by each interceptor, so that recover sees the panic of the handler.
func (i *Interceptors) finish(ctx context.Context, method string, start time.Time, err *error) {
	if fault := recover(); fault != nil {
		i.log.Error("call panicked", "rpc.method", method, "exception.message", fmt.Sprint(fault), "exception.stacktrace", string(debug.Stack()))
		*err = status.Error(codes.Internal, "internal fault, see the log of the server")
	}
	i.duration.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(
		attribute.String("rpc.method", method), attribute.String("rpc.grpc.status_code", status.Code(*err).String())))
}

// withDeadline gives unary calls that go out without a deadline one of limit.
func withDeadline(limit time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if _, has := ctx.Deadline(); !has {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}
