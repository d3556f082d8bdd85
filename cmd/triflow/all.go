package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"google.golang.org/grpc"

	"github.com/triflow/triflow/gateway"
	"github.com/triflow/triflow/pkg/rpc"
	"github.com/triflow/triflow/services/anomaly"
	"github.com/triflow/triflow/services/assembly"
	"github.com/triflow/triflow/services/diagnosis"
	"github.com/triflow/triflow/services/ingestion"
	"github.com/triflow/triflow/services/logs"
	"github.com/triflow/triflow/services/remediation"
	"github.com/triflow/triflow/services/sampling"
	"github.com/triflow/triflow/tilt/shop"
)

// everything are the settings of all roles.
type everything struct {
	Ingestion   ingestion.Config   `embed:"" prefix:"ingestion-" group:"ingestion"`
	Sampling    sampling.Config    `embed:"" prefix:"sampling-" group:"sampling"`
	Assembly    assembly.Config    `embed:"" prefix:"assembly-" group:"assembly"`
	Logs        logs.Config        `embed:"" prefix:"logs-" group:"logs"`
	Anomaly     anomaly.Config     `embed:"" prefix:"anomaly-" group:"anomaly"`
	Diagnosis   diagnosis.Config   `embed:"" prefix:"diagnosis-" group:"diagnosis"`
	Remediation remediation.Config `embed:"" prefix:"remediation-" group:"remediation"`
	Gateway     gateway.Config     `embed:"" prefix:"gateway-" group:"gateway"`
}

// Validate names every setting that is out of its range.
func (e everything) Validate() error {
	return errors.Join(e.Ingestion.Validate(), e.Sampling.Validate(), e.Assembly.Validate(), e.Logs.Validate(),
		e.Anomaly.Validate(), e.Diagnosis.Validate(), e.Remediation.Validate(), e.Gateway.Validate())
}

// demo says how the shop runs beside the roles.
type demo struct {
	Demo           bool          `name:"demo" help:"Run the demo shop too, and break it." group:"demo"`
	DemoFault      string        `name:"demo-fault" default:"slow-leaf" enum:"none,slow-leaf,failing-service,saturation,lost-context,retry-storm" help:"Fault of the shop: none, slow-leaf, failing-service, saturation, lost-context or retry-storm." group:"demo"`
	DemoFaultAfter time.Duration `name:"demo-fault-after" default:"60s" help:"How long after the start it begins, 0s to 24h." group:"demo"`
	DemoControl    string        `name:"demo-control" default:"127.0.0.1:7070" help:"Address where the shop's faults are switched." group:"demo"`
	DemoRate       float64       `name:"demo-rate" default:"20" help:"Requests of the shop's users per second, 0.1 to 2000." group:"demo"`
}

// allCmd runs every role in one process.
type allCmd struct {
	settings
	demo
	everything
	Admin         string `name:"admin" default:"127.0.0.1:7508" help:"Address of /healthz, /readyz and /metrics; the gateway serves them too."`
	WitnessListen string `name:"witness-listen" default:"127.0.0.1:7401" help:"Address where other collectors show their receipts, if ingestion-witness-peers is set."`
}

// Run serves until ctx ends.
func (c *allCmd) Run(ctx context.Context, k *kong.Context, out io.Writer) (err error) {
	p, err := newProcess("all", c.settings, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	otlp, err := c.compose(p)
	if err != nil {
		return err
	}
	g, err := p.gateway(c.Gateway, inForce(k))
	if err != nil {
		return err
	}
	if err := p.serveAdmin(c.Admin); err != nil {
		return err
	}
	if err := c.openWitness(p, otlp); err != nil {
		return err
	}
	grpcAt, httpAt := otlp.Addrs()
	var control string
	if c.Demo {
		if control, err = p.openShop(c.demo, grpcAt); err != nil {
			return err
		}
	}
	return p.run(ctx, func() {
		fmt.Fprintf(out, "Triflow %s is ready.\n", version)
		fmt.Fprintf(out, "  page     http://%s\n", g.Addr())
		fmt.Fprintf(out, "  REST     http://%s/api/v1/services, described at /openapi.json\n", g.Addr())
		fmt.Fprintf(out, "  OTLP     %s over gRPC, http://%s over HTTP\n", grpcAt, httpAt)
		fmt.Fprintf(out, "  data     %s\n", p.settings.Data)
		if c.Demo {
			c.tell(out, control)
		}
	})
}

// tell says what the shop will do, and where it is controlled.
func (d demo) tell(out io.Writer, control string) {
	fmt.Fprintf(out, "  shop     %s switches its faults\n", control)
	if d.DemoFault != "none" {
		fmt.Fprintf(out, "           %s begins in %v; an incident follows on the page\n", d.DemoFault, d.DemoFaultAfter)
	}
}

// compose makes every role but the gateway, joined by calls within the process.
func (c *allCmd) compose(p *process) (*ingestion.Service, error) {
	local := rpc.NewLocal(p.watch, callLimit)
	conn := local.Conn()
	p.conn = func(string) grpc.ClientConnInterface { return conn }

	deciding, err := p.sampling(c.Sampling)
	if err != nil {
		return nil, err
	}
	judging, err := p.anomaly(c.Anomaly)
	if err != nil {
		return nil, err
	}
	assembling, err := p.assembly(c.Assembly)
	if err != nil {
		return nil, err
	}
	logging, err := p.logs(c.Logs)
	if err != nil {
		return nil, err
	}
	diagnosing, err := p.diagnosis(c.Diagnosis)
	if err != nil {
		return nil, err
	}
	remedying, err := p.remediation(c.Remediation)
	if err != nil {
		return nil, err
	}
	taking, err := p.ingestion(c.Ingestion, receivers{traces: assembling, logs: logging, metrics: judging})
	if err != nil {
		return nil, err
	}
	for _, s := range []rpcService{deciding, judging, assembling, logging, diagnosing, remedying, taking} {
		s.Register(local)
	}
	return taking, nil
}

// openWitness adds the door where other collectors show their receipts, if there are any.
func (c *allCmd) openWitness(p *process, taking *ingestion.Service) error {
	if c.Ingestion.WitnessPeers == "" {
		return nil
	}
	listener, err := net.Listen("tcp", c.WitnessListen)
	if err != nil {
		return fmt.Errorf("witness-listen: %w", err)
	}
	p.closers = append(p.closers, func() error { _ = listener.Close(); return nil }) // closed already if it was served
	door, err := newDoor(p, "ingestion", taking)
	if err != nil {
		return err
	}
	p.add(first, "witness", func(ctx context.Context) error { return door.serve(ctx, listener) }, nil)
	return nil
}

// openShop adds the demo shop, which sends to the OTLP address, and gives the address of its control.
func (p *process) openShop(d demo, otlp net.Addr) (control string, err error) {
	cfg := shop.Config{
		Endpoint: otlp.String(), ControlAddress: d.DemoControl, Rate: d.DemoRate, FaultAfter: d.DemoFaultAfter, Seed: 1,
	}
	if d.DemoFault != "none" {
		cfg.Fault = d.DemoFault
	}
	s, err := shop.New(cfg, p.logger("shop"))
	if err != nil {
		return "", fmt.Errorf("demo shop: %w", err)
	}
	p.add(first, "demo shop", s.Run, nil)
	return s.ControlURL(), nil
}
