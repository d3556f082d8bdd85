package ingestion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
)

// Deps is what the service is given.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// Dir is the service's own folder; it exists.
	Dir string
	// Rand gives numbers in [0,1), to many goroutines at a time; it spreads what overload drops and when clients return.
	Rand func() float64
	// LookupEnv gives the variables that the file of routes names; without it none is set.
	LookupEnv func(name string) (value string, ok bool)
	// Traces, Logs and Metrics own the signals.
	Traces, Logs, Metrics handoff.Receiver
	// Dial makes the connection to the RPC address of another collector, and what closes it; unused without witness-peers.
	Dial func(address string) (grpc.ClientConnInterface, func() error, error)
}

// callLimit bounds each part of a call that somebody else may draw out: how long it waits to be read over gRPC, how long
// that reads it, and how long it waits for the disk.
const callLimit = time.Minute

// drainTime bounds how long requests that are being served may take after the end.
const drainTime = 2 * time.Second

// Service is the front door.
type Service struct {
	cfg       Config
	deps      Deps
	metrics   *metrics
	streams   [3]*stream // by signal
	gate      *admit.Gate
	seats     *seats
	faults    *fault.Registry
	senders   *arrival.Book
	notary    *notary
	rates     rates
	buffers   *buffers
	unpackers unpackers
	requests  sync.Pool // of *otlp.Request
	draining  atomic.Bool
	grpcAt    net.Listener
	httpAt    net.Listener
}

// New opens the logs and listens, but serves nothing until Run, which must be called to close them again.
func New(cfg Config, deps Deps) (_ *Service, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, deps: deps, buffers: &buffers{limit: cfg.InFlightBytes / 4}, faults: openFaults(deps), senders: arrival.NewBook(arrival.DefaultLimits())}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	var left int64
	s.seats, left = newSeats(cfg.InFlightBytes, int64(cfg.MaxBytes))
	if s.gate, err = openGate(cfg, deps, left); err != nil {
		return nil, err
	}
	if s.unpackers, err = newUnpackers(2 * runtime.GOMAXPROCS(0)); err != nil {
		return nil, fmt.Errorf("make unpackers: %w", err)
	}
	if s.grpcAt, err = net.Listen("tcp", cfg.GRPC); err != nil {
		return nil, fmt.Errorf("listen for OTLP over gRPC on %s: %w", cfg.GRPC, err)
	}
	if s.httpAt, err = net.Listen("tcp", cfg.HTTP); err != nil {
		return nil, fmt.Errorf("listen for OTLP over HTTP on %s: %w", cfg.HTTP, err)
	}
	ways, err := readRoutes(cfg)
	if err != nil {
		return nil, err
	}
	for i, to := range []handoff.Receiver{deps.Traces, deps.Logs, deps.Metrics} {
		if s.streams[i], err = s.openStream(otlp.Signal(i), to, ways); err != nil {
			return nil, err
		}
	}
	if s.notary, err = openNotary(s); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(deps.Meter, s); err != nil { // last, since it shows all of them
		return nil, err
	}
	return s, nil
}

// Addrs gives the addresses that New listens on.
func (s *Service) Addrs() (grpc, http net.Addr) { return s.grpcAt.Addr(), s.httpAt.Addr() }

// Ready is nil until the service goes down.
func (s *Service) Ready() error {
	if s.draining.Load() {
		return errors.New("ingestion is going down")
	}
	return nil
}

// Run serves and hands on until ctx ends; then it refuses what is new, finishes what is being served and closes the
// logs. What was not handed on stays in them.
func (s *Service) Run(ctx context.Context) error {
	g, h := s.grpcServer(), s.httpServer()
	pumping, stopPumps := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPumps()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg, pumps sync.WaitGroup
	var mu sync.Mutex // guards errs
	var errs []error
	run := func(wg *sync.WaitGroup, f func() error) {
		wg.Go(func() {
			defer cancel()
			err := f()
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	run(&wg, func() error {
		if err := g.Serve(s.grpcAt); !errors.Is(err, grpc.ErrServerStopped) { // ctx ended before it began
			return err
		}
		return nil
	})
	run(&wg, func() error {
		if err := h.Serve(s.httpAt); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	run(&pumps, func() error { return s.watch(pumping) })
	if s.notary != nil {
		run(&pumps, func() error { return s.notary.run(pumping) })
	}
	for _, st := range s.streams {
		run(&pumps, func() error { return st.pump.Run(pumping) })
		for _, l := range st.links {
			run(&pumps, func() error { return l.run(pumping) })
		}
	}
	<-ctx.Done()
	s.draining.Store(true)
	s.finish(g, h)
	wg.Wait()
	stopPumps()
	pumps.Wait()
	return errors.Join(errors.Join(errs...), s.close())
}

func (s *Service) finish(g *grpc.Server, h *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if h.Shutdown(ctx) != nil {
			_ = h.Close()
		}
	})
	kill := time.AfterFunc(drainTime, g.Stop)
	g.GracefulStop()
	kill.Stop()
	wg.Wait()
}

// guard is deferred around what serves a request: a panic costs that request.
func (s *Service) guard(transport string, err *error) {
	if fault := recover(); fault != nil {
		s.deps.Log.Error("request panicked", "network.transport", transport, "exception.message", fmt.Sprint(fault), "exception.stacktrace", string(debug.Stack()))
		*err = status.Error(codes.Internal, "internal fault, see the log of the server")
	}
}

func (s *Service) close() error {
	var errs []error
	for range len(s.unpackers) {
		s.unpackers.get().zstd.Close()
	}
	for _, l := range []net.Listener{s.grpcAt, s.httpAt} {
		if l != nil {
			_ = l.Close() // closed already if it was served
		}
	}
	errs = append(errs, s.notary.close())
	for _, st := range s.streams {
		if st != nil {
			st.tail.clear()
			errs = append(errs, st.log.Close())
		}
	}
	return errors.Join(errs...)
}
