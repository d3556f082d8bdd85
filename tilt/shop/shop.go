package shop

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
)

// How long the end may take: for requests and messages under way, and then for the last telemetry.
const (
	drainLimit = 3 * time.Second
	flushLimit = 3 * time.Second
)

// Shop is the demo shop. Make one with New; Run it once.
type Shop struct {
	cfg      Config
	target   string // of cfg.Fault
	log      *slog.Logger
	faults   *switchboard
	queues   map[string]*queue
	net      *network
	control  net.Listener
	conn     *grpc.ClientConn
	services []*service
	cut      context.CancelFunc // ends all exports
}

// New validates the configuration, listens, and starts the SDKs of the services. Nothing answers or is sent before Run,
// which also gives everything back. The endpoint need not be there.
func New(cfg Config, log *slog.Logger) (_ *Shop, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("shop: %w", err)
	}
	s := &Shop{cfg: cfg, log: log, faults: newSwitchboard(), queues: newQueues()}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	if cfg.Fault != "" {
		if s.target, err = resolve(Kind(cfg.Fault), cfg.FaultTarget); err != nil {
			return nil, fmt.Errorf("shop: %w", err)
		}
	}
	if s.control, err = net.Listen("tcp", cfg.ControlAddress); err != nil {
		return nil, fmt.Errorf("shop: control-address: %w", err)
	}
	if s.net, err = newNetwork(topology()); err != nil {
		return nil, fmt.Errorf("shop: %w", err)
	}
	if s.conn, err = dial(cfg.Endpoint); err != nil {
		return nil, fmt.Errorf("shop: %w", err)
	}
	around := neighbourhood{seed: cfg.Seed, net: s.net, faults: s.faults, queues: s.queues}
	end, cut := context.WithCancel(context.Background())
	s.cut = cut
	send := newSender(end, log, cfg.Endpoint)
	for _, sp := range topology() {
		ex, err := newExporters(context.Background(), s.conn, send)
		if err != nil {
			return nil, fmt.Errorf("shop: %s: %w", sp.name, err)
		}
		svc, err := newService(sp, around, ex)
		if err != nil {
			return nil, fmt.Errorf("shop: %w", err)
		}
		s.services = append(s.services, svc)
	}
	return s, nil
}

// ControlURL returns where faults are switched, for example "http://127.0.0.1:7070".
func (s *Shop) ControlURL() string { return "http://" + s.control.Addr().String() }

// Run opens the shop until ctx ends. Then it lets no more users in, finishes what is under way, sends the last telemetry,
// and returns nil once everything has stopped. It returns an error when one of its servers fails.
func (s *Shop) Run(ctx context.Context) error {
	defer s.release()
	servers, ctx := errgroup.WithContext(ctx)
	// hard ends what draining does not.
	hard, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	context.AfterFunc(ctx, func() { time.AfterFunc(drainLimit, abort) })

	shut := s.serve(hard, servers)
	drain := s.consume(hard)
	users := &load{rate: s.cfg.Rate, dice: newDice(s.cfg.Seed, "users"), client: &http.Client{Transport: s.net}, log: s.log}
	var open sync.WaitGroup
	open.Go(func() { users.run(ctx, hard) })
	open.Go(func() { s.saturate(ctx) })
	open.Go(func() { s.breakLater(ctx) })
	s.log.Info("shop open", "services", len(s.services), "rate", s.cfg.Rate, "server.address", s.cfg.Endpoint, "url.full", s.ControlURL())

	// Upstream first, so that every trace is whole: the users, the servers, then the queues they fill.
	open.Wait()
	shut()
	drain()
	if err := servers.Wait(); err != nil {
		return fmt.Errorf("shop: %w", err)
	}
	return nil
}
