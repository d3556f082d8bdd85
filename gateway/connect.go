package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// message is one that is known by its descriptor alone: the gateway passes calls on and reads none.
type message = dynamicpb.Message

// mountConnect serves every open method in the Connect, gRPC and gRPC-Web protocols.
func mountConnect(mux *http.ServeMux, conn func(string) grpc.ClientConnInterface) {
	for _, s := range services() {
		methods := s.descriptor.Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			if !proto.HasExtension(m.Options(), annotations.E_Http) {
				continue
			}
			call := forward{method: m, procedure: "/" + s.name + "/" + string(m.Name()), conn: conn(s.name)}
			mux.Handle("POST "+call.procedure, call.handler())
		}
	}
}

// forward passes the calls of one method on.
type forward struct {
	method    protoreflect.MethodDescriptor
	procedure string
	conn      grpc.ClientConnInterface
}

func (f forward) handler() http.Handler {
	options := []connect.HandlerOption{
		connect.WithSchema(f.method),
		connect.WithReadMaxBytes(maxBodyBytes),
		connect.WithRequestInitializer(func(_ connect.Spec, m any) error {
			in, is := m.(*message)
			if !is {
				return fmt.Errorf("request is a %T, want a dynamic message", m)
			}
			*in = *dynamicpb.NewMessage(f.method.Input())
			return nil
		}),
	}
	if f.method.IsStreamingServer() {
		return connect.NewServerStreamHandler(f.procedure, f.stream, options...)
	}
	return connect.NewUnaryHandler(f.procedure, f.unary, options...)
}

func (f forward) unary(ctx context.Context, req *connect.Request[message]) (*connect.Response[message], error) {
	out := dynamicpb.NewMessage(f.method.Output())
	if err := f.conn.Invoke(ctx, f.procedure, req.Msg, out); err != nil {
		return nil, asConnect(err)
	}
	return connect.NewResponse(out), nil
}

func (f forward) stream(ctx context.Context, req *connect.Request[message], to *connect.ServerStream[message]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from, err := f.conn.NewStream(ctx, &grpc.StreamDesc{StreamName: string(f.method.Name()), ServerStreams: true}, f.procedure)
	if err != nil {
		return asConnect(err)
	}
	if err := from.SendMsg(req.Msg); err != nil && !errors.Is(err, io.EOF) {
		return asConnect(err)
	}
	if err := from.CloseSend(); err != nil {
		return asConnect(err)
	}
	for {
		out := dynamicpb.NewMessage(f.method.Output())
		if err := from.RecvMsg(out); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return asConnect(err)
		}
		if err := to.Send(out); err != nil {
			return err
		}
	}
}

// asConnect gives the error of a gRPC call as Connect has it: codes are the same, details go along.
func asConnect(err error) error {
	s := status.Convert(err)
	out := connect.NewError(connect.Code(s.Code()), errors.New(s.Message()))
	for _, detail := range s.Proto().GetDetails() {
		if d, err := connect.NewErrorDetail(detail); err == nil {
			out.AddDetail(d)
		}
	}
	return out
}
