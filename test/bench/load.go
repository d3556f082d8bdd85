package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// load says how spans are sent.
type load struct {
	duration    time.Duration
	connections int
	rate        float64 // spans per second over all connections; 0: each sends as soon as it is answered
}

// sent is what came of a load.
type sent struct {
	spans   uint64
	refused int           // exports answered with UNAVAILABLE
	waited  time.Duration // for that, over all connections
	took    []time.Duration
}

// bytesCodec sends requests that are encoded already and does not read answers.
type bytesCodec struct{}

// Name implements encoding.CodecV2.
func (bytesCodec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("marshal %T: want bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal implements encoding.CodecV2. It keeps a copy, since the buffers go back to gRPC.
func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("unmarshal %T: want bytes", v)
	}
	*b = data.Materialize()
	return nil
}

// run sends to the OTLP address until the duration is over, and waits for the last answers.
func (l load) run(ctx context.Context, address string) (sent, error) {
	parts := make([]sent, l.connections)
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for i := range l.connections {
		group.Go(func() (err error) {
			parts[i], err = l.connection(ctx, address, i, start)
			return err
		})
	}
	err := group.Wait()
	var all sent
	for _, p := range parts {
		all.spans += p.spans
		all.refused += p.refused
		all.waited += p.waited
		all.took = append(all.took, p.took...)
	}
	return all, err
}

// connection sends on the ith connection. With a rate an export's time counts from when it was due, so that a server
// that stalls does not hide the exports that it held up.
func (l load) connection(ctx context.Context, address string, i int, start time.Time) (out sent, err error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{})))
	if err != nil {
		return out, fmt.Errorf("connect to %s: %w", address, err)
	}
	defer conn.Close()
	r, err := newRequest(uint64(i + 1))
	if err != nil {
		return out, err
	}
	end := start.Add(l.duration)
	for k := 0; ; k++ {
		due := time.Now()
		if l.rate > 0 {
			due = start.Add(time.Duration(float64(k*l.connections+i) * spansPerExport / l.rate * float64(time.Second)))
		}
		if !due.Before(end) || !time.Now().Before(end) {
			return out, nil
		}
		if err := wait(ctx, time.Until(due)); err != nil {
			return out, err
		}
		if err := out.export(ctx, conn, r.renew(time.Now()), due, end); err != nil {
			return out, err
		}
	}
}

// export sends one request until it is taken, or until end if it is refused. After a refusal the request is due when
// the delay is over; its time counts from then.
func (s *sent) export(ctx context.Context, conn grpc.ClientConnInterface, body []byte, due, end time.Time) error {
	for {
		var answer []byte
		err := conn.Invoke(ctx, exportMethod, body, &answer)
		if err == nil {
			if len(answer) > 0 {
				return fmt.Errorf("export: taken in part: %q", answer)
			}
			s.spans += spansPerExport
			s.took = append(s.took, time.Since(due))
			return nil
		}
		delay, again := retryDelay(err)
		if !again {
			return fmt.Errorf("export: %w", err)
		}
		s.refused++
		due = time.Now().Add(delay)
		until := due
		if end.Before(due) {
			until = end
		}
		pause := max(time.Until(until), 0)
		s.waited += pause
		if err := wait(ctx, pause); err != nil {
			return err
		}
		if !due.Before(end) {
			return nil
		}
	}
}

// retryDelay says after which delay a refused export may be sent again, as OTLP has it: only if the refusal is
// UNAVAILABLE, or RESOURCE_EXHAUSTED with a delay given.
func retryDelay(err error) (delay time.Duration, again bool) {
	s := status.Convert(err)
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), s.Code() == codes.Unavailable || s.Code() == codes.ResourceExhausted
		}
	}
	return time.Second, s.Code() == codes.Unavailable
}

// wait returns after d, or with an error when ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
