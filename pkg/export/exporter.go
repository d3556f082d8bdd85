package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/breaker"
	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// Finding is a fault that the exporter detected.
type Finding struct {
	Class ingestionv1.FaultClass
	// Kind is unreachable, slow, validation or refused.
	Kind string
	// Subject is the destination and the endpoint.
	Subject string
	Signal  handoffv1.Signal
	// Items that it cost.
	Items uint64
	// Text tells it to a person.
	Text string
}

// Deps are what an exporter is given. Log, LookupEnv and OnFault may be left out.
type Deps struct {
	Now func() time.Time
	// Rand gives numbers in [0, 1). Many goroutines call it.
	Rand func() float64
	Log  *slog.Logger
	// LookupEnv gives the variables that secrets name; without it none is set.
	LookupEnv func(name string) (value string, ok bool)
	// OnFault hears of every finding, also of those that repeat. Many goroutines call it, and it does not block.
	OnFault func(Finding)
}

// Exporter is a handoff.Receiver that delivers to OTLP backends.
type Exporter struct {
	cfg    Config
	deps   Deps
	owners *balance.Consistent
	in     chan handoff.Batch // from Push to gather
	joined chan *joint        // from gather to the workers; without a buffer, so that who waits may still grow
	ended  chan struct{}      // closed when Run has

	mu        sync.Mutex // guards what follows, and the state of each endpoint; never held during a call
	endpoints []*endpoint
	turns     balance.RoundRobin
	least     balance.LeastConnections
	retries   uint64
	cuts      uint64
	rejected  uint64
	dropped   map[string]uint64 // items by reason
}

// New makes an exporter. It connects to nothing and starts nothing until Run, which must be called to free what it holds.
func New(cfg Config, deps Deps) (*Exporter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil || deps.Rand == nil {
		return nil, errors.New("export: now and rand: want both")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.LookupEnv == nil {
		deps.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if deps.OnFault == nil {
		deps.OnFault = func(Finding) {}
	}
	x := &Exporter{
		cfg: cfg.withDefaults(), deps: deps, dropped: make(map[string]uint64),
		in: make(chan handoff.Batch), joined: make(chan *joint), ended: make(chan struct{}),
	}
	names := make([]string, len(cfg.Endpoints))
	for i, e := range cfg.Endpoints {
		made, err := newEndpoint(e, x.cfg, deps)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("export to %s: endpoints[%d]: %w", cfg.Name, i, err), x.close())
		}
		x.endpoints = append(x.endpoints, made)
		names[i] = e.URL
	}
	x.owners = balance.NewConsistent(names)
	return x, nil
}

// Push takes b over. While all workers are busy and a full request waits for them, it waits until ctx ends, and returns handoff.ErrStopped after the end of Run. A
// batch of another signal is refused for good. Many goroutines may call it.
func (x *Exporter) Push(ctx context.Context, b handoff.Batch) error {
	if b.Signal != x.cfg.Signal {
		return handoff.Final(fmt.Errorf("signal: %v, want %v", b.Signal, x.cfg.Signal))
	}
	select {
	case x.in <- b:
		return nil
	case <-x.ended:
		return handoff.ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run delivers and probes until ctx ends, then gives up what is under way, which is not done. It is called once.
func (x *Exporter) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { x.gather(ctx) })
	for range x.cfg.Concurrency {
		wg.Go(func() { x.work(ctx) })
	}
	for _, e := range x.endpoints {
		wg.Go(func() { x.watch(ctx, e) })
	}
	wg.Wait()
	close(x.ended)
	return x.close()
}

func (x *Exporter) close() error {
	var errs []error
	for _, e := range x.endpoints {
		errs = append(errs, e.transport.close())
	}
	return errors.Join(errs...)
}

// EndpointStats tell about one endpoint since the exporter was made.
type EndpointStats struct {
	Address  string
	Priority int
	Healthy  bool
	// Changed is when Healthy changed last; zero if never.
	Changed  time.Time
	Breaker  breaker.State
	InFlight int
	// Sent and Failed count exports that were and were not acknowledged.
	Sent, Failed uint64
	LastError    string
}

// Stats tell about an exporter since it was made.
type Stats struct {
	Endpoints []EndpointStats
	// Retries counts exports that failed and are to be tried again.
	Retries uint64
	// Cuts counts joint requests that were refused and cut in two, to find the batch at fault.
	Cuts uint64
	// Dropped counts the items that were refused for good, by reason: a gRPC code, or "HTTP" and the status.
	Dropped map[string]uint64
	// Rejected counts the items that a backend did not take of requests that it did.
	Rejected uint64
}

// Stats may be called by many goroutines.
func (x *Exporter) Stats() Stats {
	now := x.deps.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	s := Stats{Retries: x.retries, Cuts: x.cuts, Dropped: maps.Clone(x.dropped), Rejected: x.rejected}
	for _, e := range x.endpoints {
		s.Endpoints = append(s.Endpoints, EndpointStats{
			Address: e.URL, Priority: e.Priority, Healthy: !e.health.Ill, Changed: e.health.Changed,
			Breaker: e.breaker.State(now), InFlight: e.inFlight, Sent: e.sent, Failed: e.failed, LastError: e.lastError,
		})
	}
	return s
}

// sleep is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
