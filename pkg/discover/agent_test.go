package discover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// clientOf has no idle connections that would outlive a test.
func clientOf(t *testing.T, address string) *api.Client {
	t.Helper()
	cfg := api.DefaultNonPooledConfig()
	cfg.Address = address
	client, err := api.NewClient(cfg)
	require.NoError(t, err)
	return client
}

// startConsul runs a real agent, or skips.
func startConsul(t *testing.T) *api.Client {
	t.Helper()
	binary := os.Getenv("TRIFLOW_CONSUL")
	if binary == "" {
		binary = filepath.Join("..", "..", ".bin", "consul")
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skip("NOT TESTED: consul is not built (make tools)")
	}
	ports := freePorts(t, 4)
	cmd := exec.Command(binary, "agent", "-dev", "-node", "test", "-log-level", "err",
		"-bind", "127.0.0.1", "-client", "127.0.0.1", "-http-port", ports[0], "-server-port", ports[1],
		"-serf-lan-port", ports[2], "-serf-wan-port", ports[3], "-dns-port", "-1", "-grpc-port", "-1", "-grpc-tls-port", "-1")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	})
	client := clientOf(t, "127.0.0.1:"+ports[0])
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if leader, err := client.Status().Leader(); err == nil && leader != "" {
			return client
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}

func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports
}

// fake is the part of an agent that this package uses. It checks the health of what is registered, more often than
// was asked for.
type fake struct {
	ctx context.Context

	mu       sync.Mutex // guards what follows
	index    uint64
	services map[string]*instance
	changed  chan struct{} // closed at each change
	down     bool          // every answer is an error
	asked    []uint64      // the indexes of the queries
}

type instance struct {
	registration api.AgentServiceRegistration
	passing      bool
	stop         context.CancelFunc
}

func startFake(t *testing.T) (*fake, *api.Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &fake{ctx: ctx, index: 10, services: make(map[string]*instance), changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/agent/service/register", f.register)
	mux.HandleFunc("PUT /v1/agent/service/deregister/{id}", f.deregister)
	mux.HandleFunc("GET /v1/health/service/{name}", f.health)
	server := httptest.NewServer(mux)
	t.Cleanup(func() { cancel(); server.Close() })
	return f, clientOf(t, server.Listener.Addr().String())
}

// change does something that every query hears of.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index++
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) register(w http.ResponseWriter, r *http.Request) {
	in := &instance{}
	if err := json.NewDecoder(r.Body).Decode(&in.registration); err != nil || in.registration.Check == nil {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	every, err := time.ParseDuration(in.registration.Check.Interval)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, stop := context.WithCancel(f.ctx)
	in.stop = stop
	f.change(func() { f.services[in.registration.ID] = in })
	go f.check(ctx, in, every/50)
}

func (f *fake) check(ctx context.Context, in *instance, every time.Duration) {
	conn, err := grpc.NewClient("passthrough:///"+in.registration.Check.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		r, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
		passing := err == nil && r.GetStatus() == healthpb.HealthCheckResponse_SERVING
		if passing != in.passing && ctx.Err() == nil {
			f.change(func() { in.passing = passing })
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (f *fake) deregister(w http.ResponseWriter, r *http.Request) {
	f.change(func() {
		if in, ok := f.services[r.PathValue("id")]; ok {
			in.stop()
			delete(f.services, r.PathValue("id"))
			return
		}
		w.WriteHeader(http.StatusNotFound)
	})
}

func (f *fake) health(w http.ResponseWriter, r *http.Request) {
	index, _ := strconv.ParseUint(r.URL.Query().Get("index"), 10, 64) // none is 0
	f.mu.Lock()
	f.asked = append(f.asked, index)
	f.mu.Unlock()
	for {
		f.mu.Lock()
		changed, down, now := f.changed, f.down, f.index
		var entries []*api.ServiceEntry
		for _, in := range f.services {
			if in.passing && in.registration.Name == r.PathValue("name") {
				entries = append(entries, &api.ServiceEntry{
					Node:    &api.Node{Address: "192.0.2.1"},
					Service: &api.AgentService{Address: in.registration.Address, Port: in.registration.Port},
				})
			}
		}
		f.mu.Unlock()
		if down {
			http.Error(w, "No cluster leader", http.StatusInternalServerError)
			return
		}
		if now != index {
			w.Header().Set("X-Consul-Index", strconv.FormatUint(now, 10))
			_ = json.NewEncoder(w).Encode(entries) // the client sees it
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-f.ctx.Done():
			return
		}
	}
}
