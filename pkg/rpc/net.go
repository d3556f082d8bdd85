package rpc

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
)

// Limits of a call between services.
const (
	maxMessageBytes = 64 << 20
	maxStreams      = 1000
)

// serviceConfig spreads calls over all addresses and repeats those that were refused before they were handled. A
// dead address is left at once; UNAVAILABLE is tried again at another one.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"methodConfig": [{
		"name": [{}],
		"retryPolicy": {
			"maxAttempts": 3, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}]
}`

// NewServer makes the gRPC server for calls from other processes; they pass the interceptors.
func NewServer(i *Interceptors) *grpc.Server {
	return grpc.NewServer(
		grpc.ChainUnaryInterceptor(i.Unary), grpc.ChainStreamInterceptor(i.Stream),
		grpc.MaxRecvMsgSize(maxMessageBytes), grpc.MaxConcurrentStreams(maxStreams),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)
}

// Dial makes the connection to a neighbour in another process; the target's scheme must be one of the resolvers' or
// of gRPC itself. It connects when it is first used. limit is the deadline of a unary call that has none.
func Dial(target string, limit time.Duration, resolvers ...resolver.Builder) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithResolvers(resolvers...), grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithChainUnaryInterceptor(withDeadline(limit)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes), grpc.MaxCallSendMsgSize(maxMessageBytes)),
		grpc.WithWriteBufferSize(256<<10), // a batch on its way between roles takes a tenth of the calls
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
	)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", target, err)
	}
	return conn, nil
}
