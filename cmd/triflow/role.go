package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/triflow/triflow/gateway"
	"github.com/triflow/triflow/pkg/discover"
	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/rpc"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	"github.com/triflow/triflow/services/anomaly"
	"github.com/triflow/triflow/services/assembly"
	"github.com/triflow/triflow/services/diagnosis"
	"github.com/triflow/triflow/services/ingestion"
	"github.com/triflow/triflow/services/logs"
	"github.com/triflow/triflow/services/remediation"
	"github.com/triflow/triflow/services/sampling"
)

// alone is what every role that runs alone has. The ports of a role end in its number, no.
type alone struct {
	settings
	neighbours
	Listen    string `name:"listen" default:"127.0.0.1:74${no}" help:"Address of the role's RPC."`
	Advertise string `name:"advertise" help:"Host that others reach this process at, for Consul; empty: the host of listen." placeholder:"HOST"`
	Admin     string `name:"admin" default:"127.0.0.1:75${no}" help:"Address of /healthz, /readyz and /metrics."`
}

type ingestionCmd struct {
	alone
	Ingestion ingestion.Config `embed:"" prefix:"ingestion-"`
}

type samplingCmd struct {
	alone
	Sampling sampling.Config `embed:"" prefix:"sampling-"`
}

type assemblyCmd struct {
	alone
	Assembly assembly.Config `embed:"" prefix:"assembly-"`
}

type logsCmd struct {
	alone
	Logs logs.Config `embed:"" prefix:"logs-"`
}

type anomalyCmd struct {
	alone
	Anomaly anomaly.Config `embed:"" prefix:"anomaly-"`
}

type diagnosisCmd struct {
	alone
	Diagnosis diagnosis.Config `embed:"" prefix:"diagnosis-"`
}

type remediationCmd struct {
	alone
	Remediation remediation.Config `embed:"" prefix:"remediation-"`
}

// gatewayCmd serves people, and no RPC of its own besides.
type gatewayCmd struct {
	settings
	neighbours
	Gateway gateway.Config `embed:"" prefix:"gateway-"`
	Admin   string         `name:"admin" default:"127.0.0.1:7508" help:"Address of /healthz, /readyz and /metrics."`
}

// Run serves until ctx ends.
func (c *samplingCmd) Run(ctx context.Context) error {
	return c.serve(ctx, "sampling", func(p *process) (rpcService, error) { return p.sampling(c.Sampling) })
}

// Run serves until ctx ends.
func (c *assemblyCmd) Run(ctx context.Context) error {
	return c.serve(ctx, "assembly", func(p *process) (rpcService, error) { return p.assembly(c.Assembly) })
}

// Run serves until ctx ends.
func (c *logsCmd) Run(ctx context.Context) error {
	return c.serve(ctx, "logs", func(p *process) (rpcService, error) { return p.logs(c.Logs) })
}

// Run serves until ctx ends.
func (c *anomalyCmd) Run(ctx context.Context) error {
	return c.serve(ctx, "anomaly", func(p *process) (rpcService, error) { return p.anomaly(c.Anomaly) })
}

// Run serves until ctx ends.
func (c *diagnosisCmd) Run(ctx context.Context) error {
	return c.serve(ctx, "diagnosis", func(p *process) (rpcService, error) { return p.diagnosis(c.Diagnosis) })
}

// Run serves until ctx ends.
func (c *remediationCmd) Run(ctx context.Context) error {
	return c.serve(ctx, "remediation", func(p *process) (rpcService, error) { return p.remediation(c.Remediation) })
}

// Run serves until ctx ends.
func (c *ingestionCmd) Run(ctx context.Context) error {
	return c.serve(ctx, "ingestion", func(p *process) (rpcService, error) {
		s, err := p.ingestion(c.Ingestion, receivers{
			traces:  p.stream("assembly", handoffv1.Signal_SIGNAL_TRACES),
			logs:    p.stream("logs", handoffv1.Signal_SIGNAL_LOGS),
			metrics: p.stream("anomaly", handoffv1.Signal_SIGNAL_METRICS),
		})
		if err != nil {
			return nil, err
		}
		grpcAt, httpAt := s.Addrs()
		p.log.Info("taking OTLP", "grpc.address", grpcAt.String(), "http.address", httpAt.String())
		return s, nil
	})
}

// stream gives the receiver of a signal in another process.
func (p *process) stream(role string, signal handoffv1.Signal) handoff.Receiver {
	c := handoff.NewClient(p.conn(role), handoff.ClientOptions{Signal: signal, Logger: p.logger("ingestion")})
	p.add(workers, "stream to "+role, c.Run, nil) // it ends after ingestion, whose pumps push into it
	return c
}

// Run serves until ctx ends.
func (c *gatewayCmd) Run(ctx context.Context, k *kong.Context) (err error) {
	p, err := newProcess("gateway", c.settings, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	agent, err := c.agent()
	if err != nil {
		return err
	}
	if err := p.connect(c.neighbours, agent); err != nil {
		return err
	}
	g, err := p.gateway(c.Gateway, inForce(k))
	if err != nil {
		return err
	}
	if err := p.serveAdmin(c.Admin); err != nil {
		return err
	}
	return p.run(ctx, func() { p.log.Info("serving", "triflow.role", "gateway", "server.address", g.Addr().String()) })
}

// rpcService is a role that others call.
type rpcService interface {
	Register(grpc.ServiceRegistrar)
}

// serve runs one role with its RPC door until ctx ends.
func (a *alone) serve(ctx context.Context, role string, build func(*process) (rpcService, error)) (err error) {
	p, err := newProcess(role, a.settings, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	agent, err := a.agent()
	if err != nil {
		return err
	}
	if err := p.connect(a.neighbours, agent); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", a.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	if err := p.serveAdmin(a.Admin); err != nil {
		return err
	}
	service, err := build(p)
	if err != nil {
		return err
	}
	door, err := newDoor(p, role, service)
	if err != nil {
		return err
	}
	p.add(first, "rpc", func(ctx context.Context) error { return door.serve(ctx, listener) }, nil)
	if agent != nil {
		host, port, err := reachable(listener.Addr(), a.Advertise)
		if err != nil {
			return err
		}
		at := discover.Registration{
			ID: consulName(role) + "@" + net.JoinHostPort(host, strconv.Itoa(port)), Name: consulName(role), Address: host, Port: port,
			Meta: map[string]string{"version": version},
		}
		p.add(first, "consul", func(ctx context.Context) error { return registered(ctx, agent, at, p.log) }, nil)
	}
	return p.run(ctx, func() { p.log.Info("serving", "triflow.role", role, "server.address", listener.Addr().String()) })
}

// door is where other processes call a role.
type door struct {
	server  *grpc.Server
	health  *health.Server
	streams *handoff.Server // nil for a role that owns no signal
	ready   func() error
}

// healthEvery is how often the health that the door tells follows the role's own.
const healthEvery = 500 * time.Millisecond

func newDoor(p *process, role string, service rpcService) (*door, error) {
	d := &door{server: rpc.NewServer(p.watch), health: health.NewServer(), ready: p.ready}
	service.Register(d.server)
	if receiver, is := service.(handoff.Receiver); is {
		signals := map[string]handoffv1.Signal{
			"assembly": handoffv1.Signal_SIGNAL_TRACES, "logs": handoffv1.Signal_SIGNAL_LOGS, "anomaly": handoffv1.Signal_SIGNAL_METRICS,
		}
		var err error
		if d.streams, err = handoff.NewServer(receiver, signals[role], p.meter(role)); err != nil {
			return nil, err
		}
		handoffv1.RegisterHandoffServiceServer(d.server, d.streams)
	}
	healthv1.RegisterHealthServer(d.server, d.health)
	reflection.Register(d.server)
	return d, nil
}

// serve answers until ctx ends; calls that are under way then have as long as callDrain.
func (d *door) serve(ctx context.Context, at net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(at) }()
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		status := healthv1.HealthCheckResponse_SERVING
		if d.ready() != nil {
			status = healthv1.HealthCheckResponse_NOT_SERVING
		}
		d.health.SetServingStatus("", status)
		select {
		case err := <-served:
			return err
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	d.health.Shutdown()
	if d.streams != nil {
		d.streams.Drain()
	}
	cut := time.AfterFunc(callDrain, d.server.Stop)
	defer cut.Stop()
	d.server.GracefulStop()
	return <-served
}

// callDrain bounds how long calls may go on after the end.
const callDrain = 2 * time.Second
