package shop

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Limits of the load, in user requests per second. The upper one is where one process stops being an honest model of a
// fleet: the load generator and twelve services would queue for the same cores.
const (
	minRate = 0.1
	maxRate = 2000
)

// Config is what a user may choose about the shop.
type Config struct {
	Endpoint       string        `name:"endpoint" default:"127.0.0.1:4317" placeholder:"HOST:PORT" help:"OTLP/gRPC endpoint to send telemetry to, without TLS."`
	ControlAddress string        `name:"control-address" default:"127.0.0.1:7070" placeholder:"HOST:PORT" help:"Where faults are switched over HTTP; port 0 takes a free one."`
	Rate           float64       `name:"rate" default:"20" help:"User requests per second, 0.1 to 2000."`
	Fault          string        `name:"fault" default:"" help:"Fault to switch on: slow-leaf, failing-service, saturation, lost-context or retry-storm; none when empty."`
	FaultTarget    string        `name:"fault-target" default:"" help:"Service that the fault befalls; the fault's own default when empty."`
	FaultAfter     time.Duration `name:"fault-after" default:"60s" help:"How long after the start the fault is switched on, 0s to 24h."`
	Seed           uint64        `name:"seed" default:"1" help:"Seed of latencies, journeys and arrivals."`
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var errs []error
	if err := checkAddress(c.Endpoint); err != nil {
		errs = append(errs, fmt.Errorf("endpoint: %w", err))
	}
	if err := checkAddress(c.ControlAddress); err != nil {
		errs = append(errs, fmt.Errorf("control-address: %w", err))
	}
	// Written so that NaN is refused as well.
	if !(c.Rate >= minRate && c.Rate <= maxRate) {
		errs = append(errs, fmt.Errorf("rate: %v, want %v to %v per second", c.Rate, minRate, maxRate))
	}
	if c.FaultAfter < 0 || c.FaultAfter > 24*time.Hour {
		errs = append(errs, fmt.Errorf("fault-after: %v, want 0s to 24h", c.FaultAfter))
	}
	if c.Fault != "" {
		if _, err := resolve(Kind(c.Fault), c.FaultTarget); err != nil {
			errs = append(errs, err)
		}
	} else if c.FaultTarget != "" {
		errs = append(errs, fmt.Errorf("fault-target: %q without a fault, want empty", c.FaultTarget))
	}
	return errors.Join(errs...)
}

func checkAddress(a string) error {
	if _, port, err := net.SplitHostPort(a); err != nil || port == "" {
		return fmt.Errorf("%q, want host:port", a)
	}
	return nil
}
