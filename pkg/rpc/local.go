package rpc

import (
	"fmt"
	"time"

	"github.com/fullstorydev/grpchan"
	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Local joins the services of one process: a service registers on it, and its neighbours call it through Conn with
// the generated clients. Nothing is serialised; messages are copied, so that neither side sees the other's changes,
// and deadlines, cancellation, metadata, codes and streams are as over the network.
type Local struct {
	channel *inprocgrpc.Channel
	limit   time.Duration
}

// NewLocal makes a channel whose calls pass the interceptors; limit is the deadline of a call that has none.
// Register everything before the first call.
func NewLocal(i *Interceptors, limit time.Duration) *Local {
	channel := (&inprocgrpc.Channel{}).WithCloner(cloner{}).WithServerUnaryInterceptor(i.Unary).WithServerStreamInterceptor(i.Stream)
	return &Local{channel: channel, limit: limit}
}

// RegisterService implements grpc.ServiceRegistrar.
func (l *Local) RegisterService(desc *grpc.ServiceDesc, impl any) {
	l.channel.RegisterService(desc, impl)
}

// Conn is the client side. It is safe for use by many goroutines.
func (l *Local) Conn() grpc.ClientConnInterface {
	return grpchan.InterceptClientConn(l.channel, withDeadline(l.limit), nil)
}

// cloner copies messages by descriptor, so that one side may use dynamic messages and the other generated ones.
type cloner struct{}

// Clone implements inprocgrpc.Cloner.
func (cloner) Clone(in any) (any, error) {
	m, ok := in.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("clone %T: not a protobuf message", in)
	}
	return proto.Clone(m), nil
}

// Copy implements inprocgrpc.Cloner.
func (cloner) Copy(out, in any) error {
	from, ok := in.(proto.Message)
	to, ok2 := out.(proto.Message)
	if !ok || !ok2 || from.ProtoReflect().Descriptor().FullName() != to.ProtoReflect().Descriptor().FullName() {
		return fmt.Errorf("copy %T to %T: not the same protobuf message", in, out)
	}
	proto.Reset(to)
	proto.Merge(to, from)
	return nil
}
