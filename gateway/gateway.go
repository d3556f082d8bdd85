package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/live"
	"github.com/triflow/triflow/pkg/rpc"
	gatewayv1 "github.com/triflow/triflow/proto/gen/triflow/gateway/v1"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTime     = 3 * time.Second
	maxBodyBytes  = 4 << 20
)

// Deps is what the gateway needs from outside.
type Deps struct {
	Log *slog.Logger
	// Watch watches over the calls that the gateway itself answers.
	Watch *rpc.Interceptors
	// Conn gives the connection to the service of a contract, by the full name of its package's service:
	// "triflow.assembly.v1.AssemblyService".
	Conn func(service string) grpc.ClientConnInterface
	// Changes tells what to read again.
	Changes Watcher
	// Settings are those in force, secrets masked.
	Settings []*gatewayv1.Setting
	// Page holds the built page; nil when the binary was built without it.
	Page fs.FS
	// Admin answers /healthz, /readyz and /metrics.
	Admin http.Handler
}

// Watcher tells of changes until ctx ends, and then closes the channel; live.Bus is one.
type Watcher interface {
	Watch(ctx context.Context) <-chan live.Change
}

// Gateway serves. Run once.
type Gateway struct {
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
	own      *own
	running  atomic.Bool
}

// New binds the address, so that a port that is taken shows at once; nothing is served before Run.
func New(cfg Config, deps Deps) (*Gateway, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("gateway.listen: %w", err)
	}
	own := newOwn(deps.Settings, deps.Changes, deps.Watch)
	handler, err := newHandler(deps, own)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &Gateway{
		log: deps.Log, listener: listener, own: own,
		server: &http.Server{
			Handler: handler, Protocols: protocols,
			ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
			ErrorLog: slog.NewLogLogger(deps.Log.Handler(), slog.LevelDebug),
		},
	}, nil
}

// Addr is where the gateway listens.
func (g *Gateway) Addr() net.Addr { return g.listener.Addr() }

// Ready is nil while the gateway serves.
func (g *Gateway) Ready() error {
	if !g.running.Load() {
		return errors.New("gateway is not running")
	}
	return nil
}

// Run serves until ctx ends; then live watchers are let go and other calls have 3 s to finish.
func (g *Gateway) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- g.server.Serve(g.listener) }()
	g.running.Store(true)
	defer g.running.Store(false)
	select {
	case err := <-served:
		return fmt.Errorf("serve gateway: %w", err)
	case <-ctx.Done():
	}
	g.own.close()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := g.server.Shutdown(drain); err != nil {
		g.log.Warn("calls cut off at the end", "error", err)
		_ = g.server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve gateway: %w", err)
	}
	return nil
}

// newHandler puts the parts on their paths.
func newHandler(deps Deps, own *own) (http.Handler, error) {
	conn := func(service string) grpc.ClientConnInterface {
		if c, is := own.conns[service]; is {
			return c
		}
		return deps.Conn(service)
	}
	mux := http.NewServeMux()
	if err := mountREST(mux, conn); err != nil {
		return nil, err
	}
	mountConnect(mux, conn)
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, deps.Admin)
	}
	mountPage(mux, deps.Page)
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		guarded.ServeHTTP(w, r)
	}), nil
}

// protect sets what keeps a browser from running what the page did not bring, or showing it inside another site.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
