package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/triflow/triflow/pkg/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func next(t *testing.T, w <-chan live.Change) live.Change {
	t.Helper()
	select {
	case c := <-w:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("no change came")
		return live.Change{}
	}
}

func TestEveryWatcherHearsOfAChange(t *testing.T) {
	var bus live.Bus
	ctx, cancel := context.WithCancel(context.Background())
	a, b := bus.Watch(ctx), bus.Watch(ctx)
	bus.Publish(ctx, live.Change{Kind: "incident", ID: "1"})
	require.Equal(t, live.Change{Kind: "incident", ID: "1"}, next(t, a))
	require.Equal(t, live.Change{Kind: "incident", ID: "1"}, next(t, b))
	cancel()
	_, open := <-a
	require.False(t, open)
}

func TestASlowWatcherIsToldToReadAllAgain(t *testing.T) {
	var bus live.Bus
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := bus.Watch(ctx)
	for i := range 100 {
		bus.Publish(ctx, live.Change{Kind: "incident", ID: fmt.Sprint(i)})
	}
	require.Equal(t, live.Change{}, next(t, w), "the first thing it hears is that it missed some")
	require.Equal(t, "65", next(t, w).ID)
}

// startRedis runs a server on the address until the returned function is called.
func startRedis(t *testing.T, port string) func() {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("NOT TESTED: redis-server is not installed (apt-get install redis-server)")
	}
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	require.NoError(t, cmd.Start())
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

func TestProcessesHearOfEachOtherThroughRedisAndReadAgainAfterItWasAway(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	stop := startRedis(t, port)

	ctx, cancel := context.WithCancel(context.Background())
	var buses [2]*live.Redis
	var watches [2]<-chan live.Change
	ended := make(chan error, 2)
	for i := range buses {
		rdb := redis.NewClient(&redis.Options{Addr: address, DialTimeout: time.Second})
		defer rdb.Close()
		buses[i] = live.NewRedis(rdb, slog.New(slog.DiscardHandler))
		watches[i] = buses[i].Watch(ctx)
		go func() { ended <- buses[i].Run(ctx) }()
	}
	for _, w := range watches {
		require.Equal(t, live.Change{}, next(t, w), "a bus that has just connected may have missed some")
	}
	buses[0].Publish(ctx, live.Change{Kind: "incident", ID: "1"})
	for _, w := range watches {
		require.Equal(t, "1", next(t, w).ID)
	}

	stop()
	buses[0].Publish(ctx, live.Change{Kind: "incident", ID: "2"})
	require.Equal(t, "2", next(t, watches[0]).ID, "the own process still hears")

	stop = startRedis(t, port)
	for _, w := range watches {
		require.Equal(t, live.Change{}, next(t, w))
	}
	buses[1].Publish(ctx, live.Change{Kind: "incident", ID: "3"})
	for _, w := range watches {
		require.Equal(t, "3", next(t, w).ID)
	}
	cancel()
	for range buses {
		require.NoError(t, <-ended)
	}
	stop()
}
