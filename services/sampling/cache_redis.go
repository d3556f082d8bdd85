package sampling

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/id"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

const (
	cachePrefix = "triflow:sampling:decision:"
	// cacheTTL is shorter than any sensible table takes to forget. If the table forgets sooner, the cache still gives
	// the decision that was binding until then.
	cacheTTL = 10 * time.Minute
	// cacheTimeout bounds what the cache may add to a call; a voter answers in about this time too.
	cacheTimeout = 50 * time.Millisecond
	// cachePause is how long Redis is left alone after a fault, so that an outage costs one timeout a pause.
	cachePause = 5 * time.Second
)

// cachedClient keeps decisions in Redis, for all processes that share it.
type cachedClient struct {
	samplingv1.SamplingServiceClient
	rdb *redis.Client
	log *slog.Logger
	now func() time.Time
	// pausedUntil is the Unix time in ns before which Redis is not asked.
	pausedUntil atomic.Int64
}

// NewCachedClient makes a client that looks decisions up in Redis before it asks next, and stores there what next
// answers. A decision cannot change, so a cached one is right; only the absence of one is always asked for, and so is
// Decide, whose answer carries the epoch. Redis is an aid only: when it is away or slow, next is asked, at most 50 ms
// later. The client is safe for concurrent use and closes nothing.
func NewCachedClient(next samplingv1.SamplingServiceClient, rdb *redis.Client, log *slog.Logger) samplingv1.SamplingServiceClient {
	return &cachedClient{SamplingServiceClient: next, rdb: rdb.WithTimeout(cacheTimeout), log: log, now: time.Now}
}

// Decide asks next and stores the answer.
func (c *cachedClient) Decide(ctx context.Context, in *samplingv1.DecideRequest, opts ...grpc.CallOption) (*samplingv1.DecideResponse, error) {
	out, err := c.SamplingServiceClient.Decide(ctx, in, opts...)
	if err == nil {
		c.store(ctx, out.GetDecisions())
	}
	return out, err
}

// GetDecision asks next for what is not in Redis.
func (c *cachedClient) GetDecision(ctx context.Context, in *samplingv1.GetDecisionRequest, opts ...grpc.CallOption) (*samplingv1.GetDecisionResponse, error) {
	if found := c.load(ctx, []string{in.GetTraceId()}); len(found) == 1 && found[0] != nil {
		return &samplingv1.GetDecisionResponse{Decision: found[0]}, nil
	}
	out, err := c.SamplingServiceClient.GetDecision(ctx, in, opts...)
	if err == nil {
		c.store(ctx, []*samplingv1.Decision{out.GetDecision()})
	}
	return out, err
}

// BatchGetDecisions asks next for those that are not in Redis.
func (c *cachedClient) BatchGetDecisions(ctx context.Context, in *samplingv1.BatchGetDecisionsRequest, opts ...grpc.CallOption) (*samplingv1.BatchGetDecisionsResponse, error) {
	out := &samplingv1.BatchGetDecisionsResponse{}
	rest := in.GetTraceIds()
	if found := c.load(ctx, rest); found != nil {
		rest = nil
		for i, d := range found {
			if d == nil {
				rest = append(rest, in.GetTraceIds()[i])
				continue
			}
			out.Decisions = append(out.Decisions, d)
		}
		if len(rest) == 0 {
			return out, nil
		}
	}
	live, err := c.SamplingServiceClient.BatchGetDecisions(ctx, &samplingv1.BatchGetDecisionsRequest{TraceIds: rest}, opts...)
	if err != nil {
		return nil, err
	}
	c.store(ctx, live.GetDecisions())
	out.Decisions = append(out.Decisions, live.GetDecisions()...)
	out.UnknownTraceIds = live.GetUnknownTraceIds()
	return out, nil
}

// load gives for each trace the decision in Redis or nil; without Redis, or for a request that next will refuse, it
// gives nothing at all.
func (c *cachedClient) load(ctx context.Context, traceIDs []string) []*samplingv1.Decision {
	if len(traceIDs) == 0 || len(traceIDs) > maxTraces || !c.usable() {
		return nil
	}
	keys := make([]string, len(traceIDs))
	for i, text := range traceIDs {
		trace, err := id.ParseTrace(text)
		if err != nil {
			return nil
		}
		keys[i] = cachePrefix + trace.String()
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	values, err := c.rdb.MGet(ctx, keys...).Result()
	if err != nil {
		c.failed(ctx, err)
		return nil
	}
	found := make([]*samplingv1.Decision, len(keys))
	for i, v := range values {
		text, is := v.(string)
		d := &samplingv1.Decision{}
		if is && proto.Unmarshal([]byte(text), d) == nil && cachePrefix+d.GetTraceId() == keys[i] {
			found[i] = d
		}
	}
	return found
}

func (c *cachedClient) store(ctx context.Context, decisions []*samplingv1.Decision) {
	if len(decisions) == 0 || !c.usable() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, d := range decisions {
			b, err := proto.Marshal(d)
			if err != nil {
				return err
			}
			p.Set(ctx, cachePrefix+d.GetTraceId(), b, cacheTTL)
		}
		return nil
	})
	if err != nil {
		c.failed(ctx, err)
	}
}

func (c *cachedClient) usable() bool { return c.now().UnixNano() >= c.pausedUntil.Load() }

// failed starts a pause, unless it was the caller who gave up.
func (c *cachedClient) failed(ctx context.Context, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	c.pausedUntil.Store(c.now().Add(cachePause).UnixNano())
	c.log.Warn("decision cache not used for a while", "pause", cachePause, "error", err)
}
