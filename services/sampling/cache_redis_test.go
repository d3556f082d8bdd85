package sampling

import (
	"context"
	"log/slog"
	"net"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// startRedis runs a server at the address until the returned function is called.
func startRedis(t *testing.T, address string) (stop func()) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	server := exec.Command("redis-server", "--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Skipf("no redis-server here: %v", err)
	}
	stop = func() {
		if server.ProcessState == nil {
			_ = server.Process.Kill()
			_ = server.Wait() // tells only that it was killed
		}
	}
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		defer conn.Close()
		_, err = conn.Write([]byte("PING\r\n"))
		answer := make([]byte, 5)
		n, _ := conn.Read(answer)
		return err == nil && string(answer[:n]) == "+PONG"
	}, patience, often)
	return stop
}

// counting counts the traces that a client is asked for.
type counting struct {
	samplingv1.SamplingServiceClient
	looked atomic.Int64
}

func (c *counting) GetDecision(ctx context.Context, in *samplingv1.GetDecisionRequest, opts ...grpc.CallOption) (*samplingv1.GetDecisionResponse, error) {
	c.looked.Add(1)
	return c.SamplingServiceClient.GetDecision(ctx, in, opts...)
}

func (c *counting) BatchGetDecisions(ctx context.Context, in *samplingv1.BatchGetDecisionsRequest, opts ...grpc.CallOption) (*samplingv1.BatchGetDecisionsResponse, error) {
	c.looked.Add(int64(len(in.GetTraceIds())))
	return c.SamplingServiceClient.BatchGetDecisions(ctx, in, opts...)
}

// cached is a client whose clock stands still until it is moved.
type cached struct {
	*cachedClient
	live *counting
	past time.Duration
}

func newCached(t *testing.T, address string) *cached {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	c := &cached{live: &counting{SamplingServiceClient: alone(t, t.TempDir(), nil).client}}
	c.cachedClient = NewCachedClient(c.live, rdb, slog.New(slog.DiscardHandler)).(*cachedClient)
	begin := time.Now()
	c.now = func() time.Time { return begin.Add(c.past) }
	return c
}

// lookUp asks for the traces 0 to n-1, and tells how many of them the voter was asked for.
func (c *cached) lookUp(t *testing.T, n int) (*samplingv1.BatchGetDecisionsResponse, int) {
	t.Helper()
	in := &samplingv1.BatchGetDecisionsRequest{}
	for i := range n {
		in.TraceIds = append(in.TraceIds, traceID(i))
	}
	before := c.live.looked.Load()
	out, err := c.BatchGetDecisions(t.Context(), in)
	require.NoError(t, err)
	return out, int(c.live.looked.Load() - before)
}

func TestTheCacheAnswersForWhatWasDecided(t *testing.T) {
	address := freePorts(t, 1)[0]
	startRedis(t, address)
	c := newCached(t, address)
	decided, err := c.Decide(t.Context(), facts(0, 10))
	require.NoError(t, err)
	require.Equal(t, uint64(1), decided.GetEpoch())

	out, asked := c.lookUp(t, 12)
	require.Equal(t, 2, asked)
	require.Equal(t, []string{traceID(10), traceID(11)}, out.GetUnknownTraceIds())
	require.Len(t, out.GetDecisions(), 10)
	for i, d := range out.GetDecisions() {
		require.True(t, proto.Equal(decided.GetDecisions()[i], d))
	}
	one, err := c.GetDecision(t.Context(), &samplingv1.GetDecisionRequest{TraceId: traceID(4)})
	require.NoError(t, err)
	require.True(t, proto.Equal(decided.GetDecisions()[4], one.GetDecision()))
	require.Equal(t, int64(2), c.live.looked.Load())
	ttl, err := c.rdb.TTL(t.Context(), cachePrefix+traceID(4)).Result()
	require.NoError(t, err)
	require.Positive(t, ttl)
	require.LessOrEqual(t, ttl, cacheTTL)
}

func TestAReadFillsTheCache(t *testing.T) {
	address := freePorts(t, 1)[0]
	startRedis(t, address)
	c := newCached(t, address)
	_, err := c.live.Decide(t.Context(), facts(0, 5)) // past the cache
	require.NoError(t, err)
	_, asked := c.lookUp(t, 5)
	require.Equal(t, 5, asked)
	_, asked = c.lookUp(t, 5)
	require.Zero(t, asked)
}

func TestWhatIsNoDecisionOfTheTraceIsNotBelieved(t *testing.T) {
	address := freePorts(t, 1)[0]
	startRedis(t, address)
	c := newCached(t, address)
	_, err := c.Decide(t.Context(), facts(0, 2))
	require.NoError(t, err)
	other, err := proto.Marshal(&samplingv1.Decision{TraceId: traceID(7)})
	require.NoError(t, err)
	require.NoError(t, c.rdb.Set(t.Context(), cachePrefix+traceID(0), other, 0).Err())
	require.NoError(t, c.rdb.Set(t.Context(), cachePrefix+traceID(1), "\xff", 0).Err())
	out, asked := c.lookUp(t, 2)
	require.Equal(t, 2, asked)
	require.Equal(t, traceID(0), out.GetDecisions()[0].GetTraceId())
}

func TestAnOutageOfRedisIsNotNoticedByCallers(t *testing.T) {
	address := freePorts(t, 1)[0]
	stop := startRedis(t, address)
	c := newCached(t, address)
	_, err := c.Decide(t.Context(), facts(0, 5))
	require.NoError(t, err)
	stop()

	out, asked := c.lookUp(t, 5)
	require.Equal(t, 5, asked)
	require.Len(t, out.GetDecisions(), 5)
	require.False(t, c.usable())
	startRedis(t, address)
	_, asked = c.lookUp(t, 5)
	require.Equal(t, 5, asked, "asked during the pause")
	c.past += cachePause
	require.Eventually(t, func() bool { // the pool may still hold broken connections
		c.past += cachePause
		_, asked := c.lookUp(t, 5)
		return asked == 0
	}, patience, often)
}

func TestARedisThatDoesNotAnswerCostsOneTimeout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, as the kernel does, and says nothing
	require.NoError(t, err)
	defer listener.Close()
	c := newCached(t, listener.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = c.Decide(ctx, facts(0, 1))
	require.NoError(t, err)
	require.False(t, c.usable())
}
