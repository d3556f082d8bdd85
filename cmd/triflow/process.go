package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/live"
	"github.com/triflow/triflow/pkg/rpc"
	"github.com/triflow/triflow/pkg/telemetry"
)

// callLimit is the deadline of a call between services that has none.
const callLimit = 10 * time.Second

// settings are what every command that serves has.
type settings struct {
	Data      string `name:"data" type:"path" help:"Folder for all that is kept, one subfolder a role; empty: a temporary one, removed at the end." placeholder:"DIR"`
	Redis     string `name:"redis" help:"Redis that shares decisions and word of changes, redis://host:port; empty: none. What it holds may be lost." placeholder:"URL"`
	Memory    int64  `name:"memory-limit" default:"0" help:"Most bytes of memory for the process, of which Go manages all but a tenth or 48 MiB, whichever is more; at least 134217728. 0: what GOMEMLIMIT says, and without it the memory of the cgroup or machine."`
	LogLevel  string `name:"log-level" default:"info" enum:"debug,info,warn,error" help:"Least level of what is logged to standard error: debug, info, warn or error."`
	LogFormat string `name:"log-format" default:"text" enum:"text,json" help:"Form of the log: text or json."`
}

// bus spreads word of changes; live.Bus within a process, live.Redis between several.
type bus interface {
	Publish(ctx context.Context, c live.Change)
	Watch(ctx context.Context) <-chan live.Change
}

// process is what the parts of one process share.
type process struct {
	settings settings
	log      *slog.Logger
	metrics  *telemetry.Metrics
	watch    *rpc.Interceptors
	bus      bus
	redis    *redis.Client // nil without one
	conn     func(role string) grpc.ClientConnInterface
	parts    []part
	closers  []func() error
}

// newProcess makes the shared things of a process of the role. The caller must call close.
func newProcess(role string, s settings, stderr io.Writer) (_ *process, err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, fmt.Errorf("log-level: %w", err)
	}
	p := &process{settings: s, log: telemetry.NewLogger(stderr, level, s.LogFormat), bus: &live.Bus{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	unlimit, err := limitMemory(s.Memory, p.log)
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, unlimit)
	if p.metrics, err = telemetry.NewMetrics(role, version); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { return p.metrics.Close(context.Background()) })
	if p.watch, err = rpc.NewInterceptors(p.log, p.metrics.Meter("rpc"), callLimit); err != nil {
		return nil, err
	}
	if s.Data == "" {
		if p.settings.Data, err = os.MkdirTemp("", "triflow-"); err != nil {
			return nil, fmt.Errorf("make a temporary data folder: %w", err)
		}
		p.closers = append(p.closers, func() error { return os.RemoveAll(p.settings.Data) })
	}
	if s.Redis != "" {
		options, err := redis.ParseURL(s.Redis)
		if err != nil {
			return nil, fmt.Errorf("redis: %q: %w", s.Redis, err)
		}
		redis.SetLogger(redisLog{p.log})
		p.redis = redis.NewClient(options)
		p.closers = append(p.closers, p.redis.Close)
		shared := live.NewRedis(p.redis, p.log)
		p.bus = shared
		p.add(last, "live updates", shared.Run, nil)
	}
	return p, nil
}

// redisLog takes what the Redis client says by itself: it says it for each connection that fails, so it is for debugging.
type redisLog struct{ log *slog.Logger }

// Printf is the client's way to log.
func (r redisLog) Printf(ctx context.Context, format string, v ...any) {
	r.log.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, v...))
}

// close lets go of what the process shares, last opened first.
func (p *process) close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	p.closers = nil
	return errors.Join(errs...)
}

// dir makes the folder of a role.
func (p *process) dir(role string) (string, error) {
	dir := filepath.Join(p.settings.Data, role)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make data folder of %s: %w", role, err)
	}
	return dir, nil
}

// logger, meter, now and random are what each role is given for its own.
func (p *process) logger(role string) *slog.Logger { return p.log.With("triflow.role", role) }
func (p *process) meter(role string) metric.Meter  { return p.metrics.Meter(role) }
func now() time.Time                               { return time.Now() }
func random() uint32                               { return rand.Uint32() }

// changed tells the pages of a change.
func (p *process) changed(kind, id string) {
	p.bus.Publish(context.Background(), live.Change{Kind: kind, ID: id})
}

// ready is nil when every part is.
func (p *process) ready() error {
	var errs []error
	for _, part := range p.parts {
		if part.ready != nil {
			if err := part.ready(); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", part.name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// admin answers what operators and orchestrators ask: is it alive, does it serve, what has it measured.
func (p *process) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := p.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.Handle("GET /metrics", p.metrics.Handler())
	return mux
}

// serveAdmin adds the admin address as a part that outlives the others.
func (p *process) serveAdmin(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	server := &http.Server{Handler: p.admin(), ReadHeaderTimeout: callLimit}
	p.add(last, "admin", func(ctx context.Context) error {
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
		}
		err := server.Close()
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}, nil)
	return nil
}
