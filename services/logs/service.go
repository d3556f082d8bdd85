package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/handoff"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// observer takes the rates of templates.
type observer interface {
	Observe(ctx context.Context, in *anomalyv1.ObserveRequest, opts ...grpc.CallOption) (*anomalyv1.ObserveResponse, error)
}

// Deps is what the service is given.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// Dir is the service's own folder; it exists.
	Dir string
	// Anomaly takes the rates of templates.
	Anomaly observer
}

// ErrStopped says that the service takes no more batches.
var ErrStopped = errors.New("logs service has stopped")

const (
	// maxGroup bounds the batches of one commit.
	maxGroup = 64
	// sweepEvery is the pause between deletions, sweepLimit how many records one of them takes.
	sweepEvery = 5 * time.Second
	sweepLimit = 20_000
)

// Service is the log service. Push, Ready and its RPCs may be called by many goroutines.
type Service struct {
	cfg     Config
	deps    Deps
	store   store
	metrics *metrics
	jobs    chan job
	stopped chan struct{}
	failure atomic.Pointer[error]

	marks map[string]uint64 // the writer's: last applied position by sender

	mu      sync.Mutex // guards catalog
	catalog *catalog
}

// job is a decoded batch on its way to the writer.
type job struct {
	sender   string
	position uint64
	entries  []entry
	done     func()
}

// New opens the store in deps.Dir. Nothing runs until Run.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	st, err := openPebble(deps.Dir, vfs.Default)
	if err != nil {
		return nil, err
	}
	s, err := newService(cfg, deps, st)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return s, nil
}

func newService(cfg Config, deps Deps, st store) (*Service, error) {
	state, err := st.Load()
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg:     cfg,
		deps:    deps,
		store:   st,
		jobs:    make(chan job, cfg.Queue),
		stopped: make(chan struct{}),
		marks:   state.Marks,
		catalog: newCatalog(cfg, state),
	}
	s.metrics, err = newMetrics(deps.Meter, s.held)
	return s, err
}

// Push takes b over; see handoff.Receiver. It decodes in the caller's goroutine and waits while the queue is full. A
// payload that is no logs request is dropped and counted: sent again it would be no better. A batch that is taken while
// the service stops may never be done; it comes again after the restart.
func (s *Service) Push(ctx context.Context, b handoff.Batch) error {
	if b.Signal != handoffv1.Signal_SIGNAL_LOGS {
		return handoff.Final(fmt.Errorf("push %s/%d: signal %v, want logs", b.Sender, b.Position, b.Signal))
	}
	if err := s.Ready(); err != nil {
		return err
	}
	if b.ReceiveTime.IsZero() {
		b.ReceiveTime = s.deps.Now()
	}
	entries, err := decode(b.Payload, b.ReceiveTime)
	if err != nil {
		s.metrics.undecodable.Add(ctx, 1)
		s.deps.Log.Error("log batch dropped", "sender", b.Sender, "position", b.Position, "error", err)
	}
	select {
	case s.jobs <- job{sender: b.Sender, position: b.Position, entries: entries, done: b.Done}:
		return nil
	case <-s.stopped:
		return ErrStopped
	case <-ctx.Done():
		return fmt.Errorf("push %s/%d: %w", b.Sender, b.Position, ctx.Err())
	}
}

// Ready is nil while the service takes batches.
func (s *Service) Ready() error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	select {
	case <-s.stopped:
		return ErrStopped
	default:
		return nil
	}
}

// Run stores what is pushed, deletes what is old and reports rates, until ctx ends; then it stores what waits in the
// queue and closes the store. A commit that fails ends it, since the miners are then ahead of the disk.
func (s *Service) Run(ctx context.Context) error {
	reports := make(chan []sample, 1)
	var wg sync.WaitGroup
	wg.Go(func() { s.report(ctx, reports) })
	err := s.write(ctx, reports)
	close(s.stopped)
	close(reports)
	if err == nil {
		err = s.drain(context.WithoutCancel(ctx))
	}
	if err != nil {
		s.failure.CompareAndSwap(nil, &err)
	}
	wg.Wait()
	return errors.Join(err, s.store.Close())
}

// held counts for the gauges.
func (s *Service) held() (records, bytes, templates int64) {
	records, bytes = s.store.Size()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.catalog.miners {
		templates += int64(m.Len())
	}
	return records, bytes, templates
}
