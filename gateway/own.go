package gateway

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/live"
	"github.com/triflow/triflow/pkg/rpc"
	gatewayv1 "github.com/triflow/triflow/proto/gen/triflow/gateway/v1"
)

// resyncEvery is how often a watcher is told to read again although nothing was heard: what changes in another
// process without word of it (without Redis) is then seen late, not never.
const resyncEvery = 5 * time.Second

// Kinds of change that the bus may tell of; any other makes watchers read all again.
const (
	ChangedIncident    = "incident"
	ChangedRemediation = "remediation"
)

// kind gives a change of the bus the contract's name.
func kind(c live.Change) gatewayv1.ChangeKind {
	switch c.Kind {
	case ChangedIncident:
		return gatewayv1.ChangeKind_CHANGE_KIND_INCIDENT
	case ChangedRemediation:
		return gatewayv1.ChangeKind_CHANGE_KIND_REMEDIATION
	default:
		return gatewayv1.ChangeKind_CHANGE_KIND_RESYNC
	}
}

// own is what the gateway itself answers: the settings and live changes.
type own struct {
	gatewayv1.UnimplementedConfigServiceServer
	gatewayv1.UnimplementedLiveServiceServer
	settings []*gatewayv1.Setting
	changes  Watcher
	conns    map[string]grpc.ClientConnInterface
	ending   context.Context
	close    context.CancelFunc
}

func newOwn(settings []*gatewayv1.Setting, changes Watcher, watch *rpc.Interceptors) *own {
	o := &own{settings: settings, changes: changes}
	o.ending, o.close = context.WithCancel(context.Background())
	local := rpc.NewLocal(watch, time.Second)
	gatewayv1.RegisterConfigServiceServer(local, o)
	gatewayv1.RegisterLiveServiceServer(local, o)
	o.conns = map[string]grpc.ClientConnInterface{
		gatewayv1.ConfigService_ServiceDesc.ServiceName: local.Conn(),
		gatewayv1.LiveService_ServiceDesc.ServiceName:   local.Conn(),
	}
	return o
}

// GetConfig lists every setting with its value in force.
func (o *own) GetConfig(context.Context, *gatewayv1.GetConfigRequest) (*gatewayv1.GetConfigResponse, error) {
	return &gatewayv1.GetConfigResponse{Settings: o.settings}, nil
}

// Watch sends RESYNC at the start and from time to time, and each change in between.
func (o *own) Watch(_ *gatewayv1.WatchRequest, stream grpc.ServerStreamingServer[gatewayv1.WatchResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	changes := o.changes.Watch(ctx)
	resync := time.NewTicker(resyncEvery)
	defer resync.Stop()
	event := &gatewayv1.WatchResponse{Kind: gatewayv1.ChangeKind_CHANGE_KIND_RESYNC}
	for {
		if err := stream.Send(event); err != nil {
			return err
		}
		select {
		case <-o.ending.Done():
			return status.Error(codes.Unavailable, "the server is going down")
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case <-resync.C:
			event = &gatewayv1.WatchResponse{Kind: gatewayv1.ChangeKind_CHANGE_KIND_RESYNC}
		case c, open := <-changes:
			if !open {
				return status.FromContextError(ctx.Err()).Err()
			}
			event = &gatewayv1.WatchResponse{Kind: kind(c), Id: c.ID}
		}
	}
}
