package shop

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the load: users at the same time, and how long one waits for a page.
const (
	maxUsers     = 2000
	userPatience = 10 * time.Second
)

// journey is one thing that users do, and which share of them does it.
type journey struct {
	pattern string
	share   float64
	subject func(*dice) string
}

// journeys add up to one.
func journeys() []journey {
	return []journey{
		{"GET /home", 0.15, newItem},
		{"GET /products/{id}", 0.25, newItem},
		{"GET /search", 0.15, newItem},
		{"POST /cart/{id}/items", 0.20, newOrder},
		{"POST /checkout/{id}", 0.25, newOrder},
	}
}

// load is the users. It is an open loop: they come independently of how the shop fares, so a slow shop gets no relief, as
// in reality, and latencies are not flattered by users who wait for each other.
type load struct {
	rate   float64
	dice   *dice
	client *http.Client
	log    *slog.Logger

	present atomic.Int64 // users in the shop
}

// run lets users in, rate per second in a Poisson process, until ctx ends, and then waits for those who are in. They give
// up with hard.
func (l *load) run(ctx, hard context.Context) {
	var users sync.WaitGroup
	defer users.Wait()
	full := false
	for next := time.Now(); ; {
		next = next.Add(l.dice.gap(l.rate))
		if behind := -time.Until(next); behind > time.Second {
			next = next.Add(behind) // the machine slept: those users are gone
		}
		if pause(ctx, time.Until(next)) != nil {
			return
		}
		if l.present.Load() >= maxUsers {
			if !full {
				l.log.Warn("users turned away", "users", maxUsers)
			}
			full = true
			continue
		}
		full = false
		l.present.Add(1)
		users.Go(func() {
			defer l.present.Add(-1)
			l.visit(hard)
		})
	}
}

// visit is one user's request. What comes of it is seen in the telemetry of the storefront; users send none.
func (l *load) visit(ctx context.Context) {
	j := l.choose()
	ctx, cancel := context.WithTimeout(ctx, userPatience)
	defer cancel()
	_ = send(ctx, l.client, storefront, j.pattern, job{id: j.subject(l.dice)})
}

func (l *load) choose() journey {
	all := journeys()
	at := float64(l.dice.below(1<<20)) / (1 << 20)
	for _, j := range all {
		if at -= j.share; at < 0 {
			return j
		}
	}
	return all[0]
}
