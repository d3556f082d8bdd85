package discover

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/hashicorp/consul/api"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/resolver"
)

const (
	// waitTime is how long the agent holds a query in which nothing changes.
	waitTime = time.Minute
	// answerTime is what the agent may take beyond: it adds up to a sixteenth of the wait, and then there is the way.
	answerTime = waitTime/16 + 10*time.Second
	// queriesPerSecond bounds the queries of a service that changes all the time.
	queriesPerSecond = 5
)

// NewBuilder makes the resolvers of consul:///NAME targets. log hears when the agent goes away and comes back; it may
// be nil.
func NewBuilder(client *api.Client, log *slog.Logger) resolver.Builder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return builder{client: client, log: log}
}

type builder struct {
	client *api.Client
	log    *slog.Logger
}

// Scheme implements resolver.Builder.
func (builder) Scheme() string { return "consul" }

// Build starts a watch, which ends with Close.
func (b builder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	name := target.Endpoint()
	if name == "" {
		return nil, errors.New("target: no service name, want consul:///name")
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{
		health: b.client.Health(), log: b.log.With("service.name", name), name: name, cc: cc,
		cancel: cancel, limit: rate.NewLimiter(queriesPerSecond, queriesPerSecond),
	}
	w.wg.Go(func() { w.run(ctx) })
	return w, nil
}

// watch follows one service. Only its goroutine touches index, known and last.
type watch struct {
	health *api.Health
	log    *slog.Logger
	name   string
	cc     resolver.ClientConn
	cancel context.CancelFunc
	limit  *rate.Limiter
	wg     sync.WaitGroup

	index uint64
	known bool // last is the answer of an agent
	last  []string
}

// ResolveNow does nothing: a blocking query is open all the time.
func (w *watch) ResolveNow(resolver.ResolveNowOptions) {}

// Close ends the watch and waits for it.
func (w *watch) Close() {
	w.cancel()
	w.wg.Wait()
}

func (w *watch) run(ctx context.Context) {
	pace := &backoff.ExponentialBackOff{
		InitialInterval: 100 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 10 * time.Second,
	}
	away := false
	for w.limit.Wait(ctx) == nil {
		addresses, err := w.query(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if away {
				w.log.Info("consul is back")
			}
			away = false
			pace.Reset()
			w.show(addresses)
			continue
		}
		if !away {
			w.log.Warn("consul does not answer", "error", err, "instances_kept", len(w.last))
		}
		away = true
		w.index = 0 // who answers next may be another agent
		if !w.known {
			w.cc.ReportError(err)
		}
		timer := time.NewTimer(pace.NextBackOff())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// query waits for a set that is newer than index, or for waitTime.
func (w *watch) query(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, waitTime+answerTime)
	defer cancel()
	q := &api.QueryOptions{WaitIndex: w.index, WaitTime: waitTime}
	entries, meta, err := w.health.Service(w.name, "", true, q.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	w.index = nextIndex(w.index, meta.LastIndex)
	addresses := make([]string, 0, len(entries))
	for _, e := range entries {
		host := e.Service.Address
		if host == "" {
			host = e.Node.Address
		}
		addresses = append(addresses, net.JoinHostPort(host, strconv.Itoa(e.Service.Port)))
	}
	slices.Sort(addresses)
	return slices.Compact(addresses), nil
}

// nextIndex follows Consul's rules for blocking queries: an index that went back, after a snapshot was restored, means
// to begin anew, and one of 0 would not block at all.
func nextIndex(before, now uint64) uint64 {
	if now < before {
		return 0
	}
	return max(now, 1)
}

// show passes a set on that is new. That nobody is healthy is passed on as well: calls then fail at once, as they should.
func (w *watch) show(addresses []string) {
	if w.known && slices.Equal(addresses, w.last) {
		return
	}
	w.known, w.last = true, addresses
	// The error says that the balancer cannot use the set; the next set comes by itself.
	_ = w.cc.UpdateState(state(addresses))
}

func state(addresses []string) resolver.State {
	s := resolver.State{Addresses: make([]resolver.Address, 0, len(addresses))}
	for _, a := range addresses {
		s.Addresses = append(s.Addresses, resolver.Address{Addr: a})
	}
	return s
}
