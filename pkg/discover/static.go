package discover

import (
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc/resolver"
)

// NewStatic makes the resolvers of static:///HOST:PORT,HOST:PORT targets, a list that does not change. For one address
// the dns and passthrough targets of gRPC do as well.
func NewStatic() resolver.Builder { return static{} }

type static struct{}

// Scheme implements resolver.Builder.
func (static) Scheme() string { return "static" }

// Build names the first address that is none.
func (static) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	addresses := strings.Split(target.Endpoint(), ",")
	for _, a := range addresses {
		if _, port, err := net.SplitHostPort(a); err != nil || port == "" {
			return nil, fmt.Errorf("target: address %q, want host:port", a)
		}
	}
	if err := cc.UpdateState(state(addresses)); err != nil {
		return nil, fmt.Errorf("target %s: %w", target.Endpoint(), err)
	}
	return fixed{}, nil
}

// fixed is a resolver with nothing left to do.
type fixed struct{}

func (fixed) ResolveNow(resolver.ResolveNowOptions) {}
func (fixed) Close()                                {}
