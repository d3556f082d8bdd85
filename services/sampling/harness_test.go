package sampling

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/settings"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, voteUntilKilled(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

const (
	patience = 20 * time.Second
	often    = 5 * time.Millisecond
)

// voter is a running voter with a gRPC server and a client of it.
type voter struct {
	*Service
	client samplingv1.SamplingServiceClient
	// stop ends it in good order, kill at once: it hands nothing on. Either may follow the other.
	stop, kill func()
}

func freePorts(t testing.TB, n int) []string {
	t.Helper()
	var free []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		free = append(free, l.Addr().String())
	}
	return free
}

func dial(address string) (grpc.ClientConnInterface, func() error, error) {
	c, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}

func testDeps(dir string) Deps {
	return Deps{Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: time.Now, Dir: dir, Dial: dial}
}

// start runs a voter whose gRPC server listens at rpcAddress.
func start(t testing.TB, cfg Config, dir, rpcAddress string) *voter {
	t.Helper()
	s, err := New(cfg, testDeps(dir))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", rpcAddress)
	require.NoError(t, err)
	srv := grpc.NewServer()
	s.Register(srv)
	conn, closeConn, err := dial(listener.Addr().String())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = srv.Serve(listener) })
	group.Go(func() { require.NoError(t, s.Run(ctx)) })
	v := &voter{Service: s, client: samplingv1.NewSamplingServiceClient(conn)}
	v.stop = sync.OnceFunc(func() {
		cancel()
		group.Go(srv.Stop)
		group.Wait()
	})
	v.kill = func() {
		srv.Stop()
		if node := s.node.Load(); node != nil {
			_ = node.Shutdown().Error()
		}
		v.stop()
	}
	t.Cleanup(func() {
		v.stop()
		require.NoError(t, closeConn())
	})
	return v
}

// alone runs a single voter until it is ready.
func alone(t testing.TB, dir string, change func(*Config)) *voter {
	t.Helper()
	cfg := settings.Defaults[Config]()
	if change != nil {
		change(&cfg)
	}
	v := start(t, cfg, dir, "127.0.0.1:0")
	v.awaitReady(t)
	return v
}

func (v *voter) awaitReady(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool { return v.Ready() == nil && (v.leads() || v.node.Load().State() != raft.Leader) }, patience, often)
}

// cluster is three voters, some of which may be down.
type cluster struct {
	configs []Config
	dirs    []string
	rpc     []string
	voters  []*voter // nil: down
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	const size = 3
	ports := freePorts(t, 2*size)
	names := []string{"a", "b", "c"}
	raftAt, rpcAt := map[string]string{}, map[string]string{}
	for i, n := range names {
		raftAt[n], rpcAt[n] = ports[i], ports[size+i]
	}
	c := &cluster{rpc: ports[size:], voters: make([]*voter, size)}
	for i, n := range names {
		cfg := settings.Defaults[Config]()
		cfg.Node, cfg.Raft, cfg.Voters, cfg.VoterRPC = n, ports[i], raftAt, rpcAt
		c.configs, c.dirs = append(c.configs, cfg), append(c.dirs, t.TempDir())
	}
	for i := range names {
		c.start(t, i)
	}
	for _, v := range c.voters {
		v.awaitReady(t)
	}
	return c
}

func (c *cluster) start(t testing.TB, i int) {
	t.Helper()
	c.voters[i] = start(t, c.configs[i], c.dirs[i], c.rpc[i])
}

// leader waits for one that is settled.
func (c *cluster) leader(t testing.TB) int {
	t.Helper()
	at := -1
	require.Eventually(t, func() bool {
		for i, v := range c.voters {
			if v != nil && v.leads() {
				at = i
				return true
			}
		}
		return false
	}, patience, often)
	return at
}

// traceID spreads n over the randomness.
func traceID(n int) string {
	var t id.Trace
	binary.BigEndian.PutUint64(t[:], uint64(n)+1)
	binary.BigEndian.PutUint64(t[8:], (uint64(n)+1)*0x9e3779b97f4a7c15)
	return t.String()
}

func facts(from, n int) *samplingv1.DecideRequest {
	r := &samplingv1.DecideRequest{}
	for i := range n {
		r.Traces = append(r.Traces, &samplingv1.TraceFacts{TraceId: traceID(from + i), SpanCount: 1})
	}
	return r
}
