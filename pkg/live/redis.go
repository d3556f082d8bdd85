package live

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"
)

// channel is the Redis channel that the processes of one installation share.
const channel = "triflow:live"

const (
	// publishTimeout bounds how long one change may take to Redis.
	publishTimeout = 100 * time.Millisecond
	// unsent is how many changes may wait for Redis; beyond them watchers are told to read all again.
	unsent = 256
)

// Redis spreads changes between processes. A change comes to the watchers of the own process through Redis too;
// while Redis is away it comes to them alone, and after it is back every watcher is told to read again.
type Redis struct {
	bus Bus
	rdb *redis.Client
	log *slog.Logger
	out chan Change
}

// NewRedis makes a bus over rdb, which stays the caller's. It spreads nothing before Run.
func NewRedis(rdb *redis.Client, log *slog.Logger) *Redis {
	return &Redis{rdb: rdb, log: log, out: make(chan Change, unsent)}
}

// Publish tells every watcher of every process of c. It does not block; what has no room is told in this process.
func (r *Redis) Publish(ctx context.Context, c Change) {
	select {
	case r.out <- c:
	default:
		r.bus.Publish(ctx, c)
	}
}

// send passes changes to Redis until ctx ends, or to the own watchers alone while it is away.
func (r *Redis) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-r.out:
			if r.say(ctx, c) != nil {
				r.bus.Publish(ctx, c)
			}
		}
	}
}

func (r *Redis) say(ctx context.Context, c Change) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return r.rdb.Publish(ctx, channel, body).Err()
}

// Watch gives the changes from now on, until ctx ends and the channel is closed.
func (r *Redis) Watch(ctx context.Context) <-chan Change { return r.bus.Watch(ctx) }

// Run speaks and listens to Redis until ctx ends.
func (r *Redis) Run(ctx context.Context) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() { r.send(ctx) })
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = 5 * time.Second
	for ctx.Err() == nil {
		err := r.listen(ctx, pause.Reset)
		if ctx.Err() != nil {
			break
		}
		r.log.Warn("live updates are cut off, pages fall back to polling", "error", err)
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
		}
	}
	return nil
}

func (r *Redis) listen(ctx context.Context, connected func()) error {
	sub := r.rdb.Subscribe(ctx, channel)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // a read of the subscription does not heed ctx
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	connected()
	r.bus.Publish(ctx, Change{}) // what was said meanwhile was missed
	for {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			return err
		}
		var c Change
		if err := json.Unmarshal([]byte(m.Payload), &c); err != nil {
			return errors.Join(errors.New("a message that is not a change"), err)
		}
		r.bus.Publish(ctx, c)
	}
}
