package live

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"
)

// channel is the Redis channel that the processes of one installation share.
const channel = "triflow:live"

// publishTimeout bounds how long a change may hold its publisher while Redis is slow.
const publishTimeout = 100 * time.Millisecond

// Redis spreads changes between processes. A change comes to the watchers of the own process through Redis too;
// while Redis is away it comes to them alone, and after it is back every watcher is told to read again.
type Redis struct {
	bus Bus
	rdb *redis.Client
	log *slog.Logger
}

// NewRedis makes a bus over rdb, which stays the caller's. It spreads nothing before Run.
func NewRedis(rdb *redis.Client, log *slog.Logger) *Redis { return &Redis{rdb: rdb, log: log} }

// Publish tells every watcher of every process of c; it takes at most 100 ms.
func (r *Redis) Publish(ctx context.Context, c Change) {
	body, err := json.Marshal(c)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		err = r.rdb.Publish(ctx, channel, body).Err()
	}
	if err != nil {
		r.bus.Publish(ctx, c)
	}
}

// Watch gives the changes from now on, until ctx ends and the channel is closed.
func (r *Redis) Watch(ctx context.Context) <-chan Change { return r.bus.Watch(ctx) }

// Run listens to Redis until ctx ends.
func (r *Redis) Run(ctx context.Context) error {
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
