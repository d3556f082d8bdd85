package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/hashicorp/consul/api"

	"github.com/triflow/triflow/pkg/discover"
)

const (
	registerTimeout   = 5 * time.Second
	deregisterTimeout = time.Second
	// registerAgain is how often a role registers anew: an agent that lost its state then knows it again.
	registerAgain = 30 * time.Second
)

// registered keeps a role known to Consul until ctx ends. While the agent is away the role serves on.
func registered(ctx context.Context, agent *api.Client, at discover.Registration, log *slog.Logger) error {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = registerAgain
	leave := func(context.Context) error { return nil }
	for ctx.Err() == nil {
		wait := registerAgain
		trying, cancel := context.WithTimeout(ctx, registerTimeout)
		deregister, err := discover.Register(trying, agent, at)
		cancel()
		if err != nil {
			wait = pause.NextBackOff()
			if ctx.Err() == nil {
				log.Warn("not registered with Consul, will be tried again", "error", err, "delay", wait)
			}
		} else {
			pause.Reset()
			leave = deregister
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), deregisterTimeout)
	defer cancel()
	if err := leave(leaving); err != nil {
		log.Warn("still registered with Consul, its check will fail", "error", err)
	}
	return nil
}
