package assembly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/services/assembly/internal/red"
)

// Deps is what the service needs from outside. All fields are required.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	// Now is the clock by which traces are quiet and steps end; the spans' own times are their senders'.
	Now func() time.Time
	// Dir is a folder of the service's own; it exists.
	Dir      string
	Sampling decider
	Anomaly  observer
}

// decider decides traces; sampling does.
type decider interface {
	Decide(ctx context.Context, in *samplingv1.DecideRequest, opts ...grpc.CallOption) (*samplingv1.DecideResponse, error)
	BatchGetDecisions(ctx context.Context, in *samplingv1.BatchGetDecisionsRequest, opts ...grpc.CallOption) (*samplingv1.BatchGetDecisionsResponse, error)
	GetPolicySet(ctx context.Context, in *samplingv1.GetPolicySetRequest, opts ...grpc.CallOption) (*samplingv1.GetPolicySetResponse, error)
}

// observer takes series; anomaly does.
type observer interface {
	Observe(ctx context.Context, in *anomalyv1.ObserveRequest, opts ...grpc.CallOption) (*anomalyv1.ObserveResponse, error)
}

const (
	shardCount  = 64
	retainEvery = time.Second
	drainTime   = 3 * time.Second
)

// Service puts traces together. Its methods may be called by many goroutines; Run once.
type Service struct {
	cfg     Config
	deps    Deps
	store   Store
	metrics *metrics

	admission *admission
	accounts  *accounts
	waits     waits
	shards    [shardCount]shard
	intakes   sync.Pool // of *intake
	names     names

	waitingMu sync.Mutex // guards waiting
	waiting   []*trace   // closed, not yet decided or committed; oldest first

	bookMu     sync.Mutex // guards book, and what settler.calls holds
	book       *red.Book
	outOfRange atomic.Uint64 // spans that are in no series, for their time

	settler  settler
	retained time.Time // when room was last made
	feed     feed

	settling, retaining, observing duty

	fault   atomic.Pointer[error] // why the store does not take commits; nil when it does
	running atomic.Bool
	stopped atomic.Bool
}

// New opens the store in deps.Dir and takes the accounts up where they were committed. It starts no goroutine.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	store, err := openPebble(vfs.Default, filepath.Join(deps.Dir, "traces"))
	if err != nil {
		return nil, err
	}
	s, err := build(cfg, deps, store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return s, nil
}

// build makes a service on a store.
func build(cfg Config, deps Deps, store Store) (*Service, error) {
	rec, err := store.Recover()
	if err != nil {
		return nil, fmt.Errorf("recover accounts: %w", err)
	}
	s := &Service{
		cfg: cfg, deps: deps, store: store,
		admission: newAdmission(cfg.MaxPendingBytes),
		accounts:  newAccounts(rec),
		waits:     waits{quiet: cfg.Quiet, deadline: cfg.Deadline, maxSpans: cfg.MaxTraceSpans, maxBytes: cfg.MaxTraceBytes},
		book: red.New(red.Limits{
			Step: cfg.Step, Services: cfg.MaxServices, Operations: cfg.MaxOperations, Edges: cfg.MaxEdges,
		}),
	}
	s.settling.name, s.retaining.name, s.observing.name = "decide and store traces", "delete old traces", "pass series on"
	s.intakes.New = func() any { return new(intake) }
	s.names.all = make(map[string]string)
	for i := range s.shards {
		s.shards[i].open = make(map[id.Trace]*trace)
	}
	s.settler.calls = calls{book: s.book, peers: make(map[peer]string)}
	if s.metrics, err = newMetrics(deps.Meter, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Run closes, decides, stores and reports until ctx ends; then it commits what is decided and closes the store.
// Traces that are open then are not lost: their batches are not done, and come again.
func (s *Service) Run(ctx context.Context) error {
	s.running.Store(true)
	defer s.running.Store(false)
	g, run := errgroup.WithContext(ctx)
	g.Go(func() error { return s.every(run, wheelTick, s.settleOnce) })
	g.Go(func() error { return s.every(run, seriesCheck, s.observeOnce) })
	err := g.Wait()
	s.stopped.Store(true)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	s.settleOnce(drain)
	return errors.Join(err, s.store.Close())
}

// every calls act at once and then in steps, until ctx ends.
func (s *Service) every(ctx context.Context, step time.Duration, act func(context.Context)) error {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for {
		act(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// settleOnce settles what is due, and from time to time makes room. Both write to the store, one after the other.
func (s *Service) settleOnce(ctx context.Context) {
	err := s.settle(ctx)
	s.settling.report(ctx, s.deps.Log, err)
	if s.settler.stuck == nil {
		s.fault.Store(nil)
	} else if err != nil {
		s.fault.Store(&err)
	}
	now := s.deps.Now()
	if now.Before(s.retained.Add(retainEvery)) {
		return
	}
	s.retained = now
	n, err := s.store.Retain(now.Add(-s.cfg.Retention), s.cfg.MaxStoreBytes)
	s.retaining.report(ctx, s.deps.Log, err)
	s.metrics.expired.Add(ctx, int64(n))
}

func (s *Service) observeOnce(ctx context.Context) {
	s.observing.report(ctx, s.deps.Log, s.observe(ctx))
}

// duty is something done again and again. Its failure is logged when it begins and when it is over.
type duty struct {
	name    string
	failing bool
}

func (d *duty) report(ctx context.Context, log *slog.Logger, err error) {
	switch {
	case err != nil && !d.failing && ctx.Err() == nil:
		d.failing = true
		log.Warn("failing, will be tried again", "duty", d.name, "error", err)
	case err == nil && d.failing:
		d.failing = false
		log.Info("works again", "duty", d.name)
	}
}

// Ready is nil when the service runs and its store takes commits.
func (s *Service) Ready() error {
	if !s.running.Load() {
		return errors.New("assembly is not running")
	}
	if fault := s.fault.Load(); fault != nil {
		return fmt.Errorf("assembly cannot store: %w", *fault)
	}
	return nil
}

// shardOf gives the shard of a trace.
func (s *Service) shardOf(t *id.Trace) *shard { return &s.shards[hashTrace(t)%shardCount] }
