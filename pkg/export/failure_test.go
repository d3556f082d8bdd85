package export_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/rpc"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// first gives the nth reply to the nth request, and accepts what comes later.
func first(replies ...reply) func(int) reply {
	return func(n int) reply {
		if n < len(replies) {
			return replies[n]
		}
		return reply{}
	}
}

func TestWhatMayBeTriedAgainArrives(t *testing.T) {
	page := []byte("<html>please log in</html>")
	for name, c := range map[string]struct {
		scheme string
		reply  reply
	}{
		"unavailable":                   {"grpc", reply{err: status.Error(codes.Unavailable, "starting")}},
		"aborted":                       {"grpc", reply{err: status.Error(codes.Aborted, "again")}},
		"overloaded, come back at once": {"grpc", reply{err: rpc.Retry(codes.ResourceExhausted, time.Nanosecond, "busy")}},
		"rejects more than was sent":    {"grpc", reply{rejected: 100}},
		"503":                           {"http", reply{status: 503}},
		"503 until a time that is over": {
			"http", reply{status: 503, header: http.Header{"Retry-After": {"Mon, 01 Jan 2001 00:00:00 GMT"}}},
		},
		"429 for no time":                    {"http", reply{status: 429, header: http.Header{"Retry-After": {"0"}}}},
		"502":                                {"http", reply{status: 502}},
		"504":                                {"http", reply{status: 504}},
		"cut":                                {"http", reply{cut: true}},
		"200 that is a page":                 {"http", reply{body: page}},
		"rejects more than was sent by HTTP": {"http", reply{rejected: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, c.scheme, first(c.reply, c.reply))
			r := run(t, quick(export.RoundRobin, b))
			<-r.push(request(t, "one", 1), 1)
			r.stop()
			require.Contains(t, b.names(), "one")
			s := r.Stats()
			require.Equal(t, uint64(2), s.Retries)
			require.Equal(t, uint64(2), s.Endpoints[0].Failed)
			require.Equal(t, uint64(1), s.Endpoints[0].Sent)
			require.NotEmpty(t, s.Endpoints[0].LastError)
			require.Empty(t, s.Dropped)
			require.Zero(t, s.Rejected)
		})
	}
}

func TestWhatIsRefusedForGoodIsDroppedAndTold(t *testing.T) {
	for reason, c := range map[string]struct {
		scheme string
		reply  reply
	}{
		"InvalidArgument":   {"grpc", reply{err: status.Error(codes.InvalidArgument, "bad")}},
		"ResourceExhausted": {"grpc", reply{err: status.Error(codes.ResourceExhausted, "too large")}},
		"Internal":          {"grpc", reply{err: status.Error(codes.Internal, "broken")}},
		"HTTP 400":          {"http", reply{status: 400}},
		"HTTP 500":          {"http", reply{status: 500}},
		"HTTP 302":          {"http", reply{status: 302, header: http.Header{"Location": {"http://127.0.0.1:1/elsewhere"}}}},
	} {
		t.Run(reason, func(t *testing.T) {
			b := newBackend(t, c.scheme, first(c.reply))
			r := run(t, quick(export.RoundRobin, b))
			<-r.push(request(t, "one", 1, 2), 2)
			f := r.fault("refused")
			require.Equal(t, ingestionv1.FaultClass_FAULT_CLASS_RESPONSE, f.Class)
			require.Equal(t, uint64(2), f.Items)
			require.Contains(t, f.Subject, b.url())
			require.Equal(t, map[string]uint64{reason: 2}, r.Stats().Dropped)
			<-r.push(request(t, "two", 1), 1)
			require.Equal(t, []string{"two"}, b.names())
		})
	}
}

func TestAPartialSuccessIsDoneAndCounted(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		b := newBackend(t, scheme, first(reply{rejected: 1}))
		r := run(t, quick(export.RoundRobin, b))
		<-r.push(request(t, "one", 1, 2), 2)
		f := r.fault("refused")
		require.Equal(t, uint64(1), f.Items)
		require.Equal(t, "too old", f.Text)
		require.Equal(t, uint64(1), r.Stats().Rejected)
		require.Zero(t, r.Stats().Retries)
	}
}

func TestAnAnswerThatMakesNoSenseIsAFault(t *testing.T) {
	b := newBackend(t, "http", first(reply{body: []byte("<html>")}))
	r := run(t, quick(export.RoundRobin, b))
	<-r.push(request(t, "one", 1), 1)
	require.Equal(t, ingestionv1.FaultClass_FAULT_CLASS_RESPONSE, r.fault("validation").Class)
}

func TestABackendThatHangsIsLateAndTriedAgain(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		b := newBackend(t, scheme, first(reply{hang: true}))
		cfg := quick(export.RoundRobin, b)
		cfg.Timeout = 100 * time.Millisecond
		r := run(t, cfg)
		<-r.push(request(t, "one", 1), 1)
		require.Equal(t, ingestionv1.FaultClass_FAULT_CLASS_TIMING, r.fault("slow").Class)
		require.Equal(t, []string{"one"}, b.names())
	}
}

func TestAStandbyTakesOverAndGivesBack(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		t.Run(scheme, func(t *testing.T) {
			primary, standby := newBackend(t, scheme, nil), newBackend(t, scheme, nil)
			r := run(t, quick(export.RoundRobin, primary, standby))
			<-r.push(request(t, "one", 1), 1)
			primary.kill()
			for i := range 20 {
				<-r.push(request(t, fmt.Sprint(i), 1), 1)
			}
			require.Equal(t, ingestionv1.FaultClass_FAULT_CLASS_CRASH, r.fault("unreachable").Class)
			<-r.push(request(t, "down", 1), 1)
			require.False(t, r.Stats().Endpoints[0].Changed.IsZero())
			primary.start(t)
			primary.waitProbes(t, 3)
			require.True(t, r.Stats().Endpoints[0].Healthy)
			// A probe of the breaker may be what brings it back: until then the standby works.
			for i := 0; len(primary.names()) < 2; i++ {
				<-r.push(request(t, "back", 1), 1)
			}
			require.Subset(t, standby.names(), []string{"0", "19", "down"})
			require.Equal(t, []string{"one", "back"}, primary.names()[:2])
		})
	}
}

func TestNothingIsLostWhenAllAreDownForAWhile(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		t.Run(scheme, func(t *testing.T) {
			a, b := newBackend(t, scheme, nil), newBackend(t, scheme, nil)
			a.kill()
			b.kill()
			cfg := quick(export.LeastConnections, a, b)
			cfg.Concurrency = 8
			r := run(t, cfg)
			var done []<-chan struct{}
			for i := range 8 {
				done = append(done, r.push(request(t, fmt.Sprint(i), 1), 1))
			}
			r.fault("unreachable")
			r.fault("unreachable")
			for _, d := range done {
				select {
				case <-d:
					t.Fatal("done though nobody took it")
				default:
				}
			}
			a.start(t)
			b.start(t)
			for _, d := range done {
				<-d
			}
			require.Subset(t, append(a.names(), b.names()...), []string{"0", "1", "2", "3", "4", "5", "6", "7"})
		})
	}
}
