package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"

	"github.com/triflow/triflow/pkg/discover"
	"github.com/triflow/triflow/pkg/rpc"
)

// roles are those that serve RPC to others, in the order of their default ports.
func roles() []string {
	return []string{"ingestion", "sampling", "assembly", "logs", "anomaly", "diagnosis", "remediation"}
}

// firstPort is the default RPC port of the first role.
const firstPort = 7401

// neighbours says how a role that runs alone finds the others.
type neighbours struct {
	Discovery string            `name:"discovery" default:"static" enum:"static,consul" help:"How neighbours are found: static (by peer) or consul."`
	Consul    string            `name:"consul" default:"http://127.0.0.1:8500" help:"Address of the Consul agent." placeholder:"URL"`
	Peer      map[string]string `name:"peer" help:"Where a role is, for discovery static: role=target with a gRPC target such as dns:///host:port or static:///host:port,host:port; without one 127.0.0.1 and the role's default port." placeholder:"ROLE=TARGET"`
}

// Validate implements kong's check of a struct of flags.
func (n neighbours) Validate() error {
	var errs []error
	for role := range n.Peer {
		if !slices.Contains(roles(), role) {
			errs = append(errs, fmt.Errorf("peer: %q, want one of %s", role, strings.Join(roles(), ", ")))
		}
	}
	return errors.Join(errs...)
}

// target gives where the connection to a role leads.
func (n neighbours) target(role string) string {
	if n.Discovery == "consul" {
		return "consul:///" + consulName(role)
	}
	if t := n.Peer[role]; t != "" {
		return t
	}
	return fmt.Sprintf("static:///127.0.0.1:%d", firstPort+slices.Index(roles(), role))
}

// consulName is what a role is called in Consul.
func consulName(role string) string { return "triflow-" + role }

// connect opens a connection to every role, which is made when it is first used, and gives p.conn.
func (p *process) connect(n neighbours, agent *api.Client) error {
	resolvers := []resolver.Builder{discover.NewStatic()}
	if agent != nil {
		resolvers = append(resolvers, discover.NewBuilder(agent, p.log))
	}
	conns := make(map[string]*grpc.ClientConn)
	for _, role := range roles() {
		conn, err := rpc.Dial(n.target(role), callLimit, resolvers...)
		if err != nil {
			return fmt.Errorf("peer %s: %w", role, err)
		}
		p.closers = append(p.closers, conn.Close)
		conns[role] = conn
	}
	p.conn = func(role string) grpc.ClientConnInterface { return conns[role] }
	return nil
}

// agent gives the client of Consul's agent, nil when it is not used.
func (n neighbours) agent() (*api.Client, error) {
	if n.Discovery != "consul" {
		return nil, nil
	}
	cfg := api.DefaultConfig()
	cfg.Address = n.Consul
	client, err := api.NewClient(cfg)
	if err != nil {
		return nil, fmt.Errorf("consul: %q: %w", n.Consul, err)
	}
	return client, nil
}

// connOf gives the connection to the role that a contract belongs to: triflow.<role>.v1.<Service>.
func (p *process) connOf(service string) grpc.ClientConnInterface {
	_, rest, _ := strings.Cut(service, ".")
	role, _, _ := strings.Cut(rest, ".")
	return p.conn(role)
}

// dialAddress connects to another process of the same role, such as another voter or collector, by its address.
func dialAddress(address string) (grpc.ClientConnInterface, func() error, error) {
	conn, err := rpc.Dial("passthrough:///"+address, callLimit)
	if err != nil {
		return nil, nil, err
	}
	return conn, conn.Close, nil
}

// reachable splits the address that others reach a listener at.
func reachable(at net.Addr, advertise string) (host string, port int, err error) {
	tcp, is := at.(*net.TCPAddr)
	if !is {
		return "", 0, fmt.Errorf("listen: %v is not a TCP address", at)
	}
	switch {
	case advertise != "":
		return advertise, tcp.Port, nil
	case tcp.IP.IsUnspecified():
		return "", 0, fmt.Errorf("advertise: empty while listening on %v, want the host that others reach this process at", at)
	default:
		return tcp.IP.String(), tcp.Port, nil
	}
}
