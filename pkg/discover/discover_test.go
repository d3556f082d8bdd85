package discover_test

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"

	"github.com/triflow/triflow/pkg/discover"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is an instance of a service.
type shop struct {
	address string
	port    int
	health  *health.Server
}

func startShop(t *testing.T) shop {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := shop{address: l.Addr().String(), port: l.Addr().(*net.TCPAddr).Port, health: health.NewServer()}
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, s.health)
	ended := make(chan error)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); require.NoError(t, <-ended) })
	return s
}

func (s shop) register(t *testing.T, client *api.Client) (deregister func(context.Context) error) {
	t.Helper()
	deregister, err := discover.Register(t.Context(), client, discover.Registration{
		ID: "shop-" + strconv.Itoa(s.port), Name: "shop", Address: "127.0.0.1", Port: s.port,
		Meta: map[string]string{"version": "1"}, CheckEvery: time.Second,
	})
	require.NoError(t, err)
	return deregister
}

// listener is the side of gRPC.
type listener struct {
	states chan []string
	errors chan error
}

func (l *listener) UpdateState(s resolver.State) error {
	set := make([]string, 0)
	for _, a := range s.Addresses {
		set = append(set, a.Addr)
	}
	l.states <- set
	return nil
}

func (l *listener) ReportError(err error)                                { l.errors <- err }
func (l *listener) NewAddress([]resolver.Address)                        {}
func (l *listener) ParseServiceConfig(string) *serviceconfig.ParseResult { return nil }
func target(t *testing.T, raw string) resolver.Target {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return resolver.Target{URL: *u}
}

func watch(t *testing.T, client *api.Client) *listener {
	t.Helper()
	l := &listener{states: make(chan []string, 100), errors: make(chan error, 100)}
	r, err := discover.NewBuilder(client, nil).Build(target(t, "consul:///shop"), l, resolver.BuildOptions{})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	r.ResolveNow(resolver.ResolveNowOptions{})
	return l
}

// await waits for the set of these instances.
func (l *listener) await(t *testing.T, shops ...shop) {
	t.Helper()
	want := make([]string, 0)
	for _, s := range shops {
		want = append(want, s.address)
	}
	slices.Sort(want)
	for {
		select {
		case got := <-l.states:
			if slices.Equal(got, want) {
				return
			}
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}

func TestTheHealthyInstancesAreFollowed(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *api.Client{
		"consul": startConsul,
		"fake":   func(t *testing.T) *api.Client { _, client := startFake(t); return client },
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t)
			first, second := startShop(t), startShop(t)
			l := watch(t, client)
			l.await(t)
			first.register(t, client)
			l.await(t, first)
			deregister := second.register(t, client)
			l.await(t, first, second)
			first.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
			l.await(t, second)
			first.health.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
			l.await(t, first, second)
			require.NoError(t, deregister(t.Context()))
			l.await(t, first)
			require.Error(t, deregister(t.Context()), "it is gone")
		})
	}
}

func TestACallFindsItsServiceByName(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *api.Client{
		"consul": startConsul,
		"fake":   func(t *testing.T) *api.Client { _, client := startFake(t); return client },
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t)
			startShop(t).register(t, client)
			conn, err := grpc.NewClient("consul:///shop", grpc.WithTransportCredentials(insecure.NewCredentials()),
				grpc.WithResolvers(discover.NewBuilder(client, nil)))
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			watch(t, client).awaitSome(t)
			_, err = healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
			require.NoError(t, err)
		})
	}
}

func (l *listener) awaitSome(t *testing.T) {
	t.Helper()
	for len(<-l.states) == 0 {
		require.NoError(t, t.Context().Err())
	}
}

func TestTheLastSetStaysWhileTheAgentIsAway(t *testing.T) {
	f, client := startFake(t)
	s, other := startShop(t), startShop(t)
	s.register(t, client)
	l := watch(t, client)
	l.await(t, s)
	f.change(func() { f.down = true })
	f.awaitQueries(t, 4)
	require.Empty(t, l.states)
	require.Empty(t, l.errors, "gRPC would drop the set")
	other.register(t, client)
	f.change(func() { f.down = false })
	l.await(t, s, other)
}

func TestAnAgentThatWasNeverThereIsReported(t *testing.T) {
	f, client := startFake(t)
	f.change(func() { f.down = true })
	l := watch(t, client)
	require.ErrorContains(t, <-l.errors, "No cluster leader")
	f.change(func() { f.down = false })
	l.await(t)
}

func TestAnIndexThatGoesBackBeginsAnew(t *testing.T) {
	f, client := startFake(t)
	s := startShop(t)
	s.register(t, client)
	l := watch(t, client)
	l.await(t, s)
	n := f.awaitQueries(t, 0)
	f.change(func() { f.index = 3 })
	f.awaitQueries(t, 3)
	f.mu.Lock()
	require.Equal(t, []uint64{0, 3}, f.asked[n:n+2])
	f.mu.Unlock()
	other := startShop(t)
	other.register(t, client)
	l.await(t, s, other)
}

// awaitQueries waits for n more queries, or until one is open, and gives how many there were.
func (f *fake) awaitQueries(t *testing.T, n int) int {
	t.Helper()
	f.mu.Lock()
	want := len(f.asked) + n
	f.mu.Unlock()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		f.mu.Lock()
		have, open := len(f.asked), len(f.asked) > 0 && f.asked[len(f.asked)-1] == f.index
		f.mu.Unlock()
		if n > 0 && have >= want || open {
			return have
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}

func TestAListIsResolvedAsItStands(t *testing.T) {
	l := &listener{states: make(chan []string, 1)}
	r, err := discover.NewStatic().Build(target(t, "static:///a:1,b:2"), l, resolver.BuildOptions{})
	require.NoError(t, err)
	r.Close()
	require.Equal(t, []string{"a:1", "b:2"}, <-l.states)
	_, err = discover.NewStatic().Build(target(t, "static:///a:1,b"), l, resolver.BuildOptions{})
	require.ErrorContains(t, err, `address "b", want host:port`)
	_, err = discover.NewBuilder(nil, nil).Build(target(t, "consul:///"), l, resolver.BuildOptions{})
	require.ErrorContains(t, err, "no service name")
}

func TestABadRegistrationNamesEveryFault(t *testing.T) {
	_, err := discover.Register(t.Context(), nil, discover.Registration{Port: -1, CheckEvery: time.Hour, ForgetAfter: 1})
	for _, field := range []string{"id: ", "name: ", "address: ", "port: -1", "check every: 1h0m0s", "forget after: 1ns"} {
		require.ErrorContains(t, err, field)
	}
}
