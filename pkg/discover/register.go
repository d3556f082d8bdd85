package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/consul/api"
)

// Registration is an instance of a service that answers the gRPC health protocol at Address and Port.
type Registration struct {
	ID      string // of the instance, the same over restarts
	Name    string // of the service
	Address string // that others reach it at; a host without a port
	Port    int    // 1 to 65535
	Meta    map[string]string
	// CheckEvery is the pace of the health check; 2 s by default, 1 s to 5 s.
	CheckEvery time.Duration
	// ForgetAfter is how long an instance that fails its check stays known; 1 min by default, which is Consul's least.
	ForgetAfter time.Duration
}

func (r *Registration) complete() error {
	if r.CheckEvery == 0 {
		r.CheckEvery = 2 * time.Second
	}
	if r.ForgetAfter == 0 {
		r.ForgetAfter = time.Minute
	}
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	want(r.ID != "", "id: empty, want a name")
	want(r.Name != "", "name: empty, want that of the service")
	want(r.Address != "", "address: empty, want a host")
	want(r.Port >= 1 && r.Port <= 65535, "port: %d, want 1 to 65535", r.Port)
	want(r.CheckEvery >= time.Second && r.CheckEvery <= 5*time.Second, "check every: %v, want 1s to 5s", r.CheckEvery)
	want(r.ForgetAfter >= time.Minute, "forget after: %v, want at least 1m", r.ForgetAfter)
	return errors.Join(faults...)
}

// Register makes the instance known to the agent, which checks it from then on; it is found once a check has passed.
// Registering an id again replaces it. Call deregister before the instance stops serving, so that nobody is sent to it
// any more.
func Register(ctx context.Context, client *api.Client, r Registration) (deregister func(context.Context) error, err error) {
	if err := r.complete(); err != nil {
		return nil, fmt.Errorf("register %s: %w", r.ID, err)
	}
	err = client.Agent().ServiceRegisterOpts(&api.AgentServiceRegistration{
		ID: r.ID, Name: r.Name, Address: r.Address, Port: r.Port, Meta: r.Meta,
		Check: &api.AgentServiceCheck{
			Name:                           "gRPC health",
			GRPC:                           net.JoinHostPort(r.Address, strconv.Itoa(r.Port)),
			Interval:                       r.CheckEvery.String(),
			Timeout:                        time.Second.String(),
			DeregisterCriticalServiceAfter: r.ForgetAfter.String(),
		},
	}, api.ServiceRegisterOpts{ReplaceExistingChecks: true}.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("register %s: %w", r.ID, err)
	}
	return func(ctx context.Context) error {
		if err := client.Agent().ServiceDeregisterOpts(r.ID, (&api.QueryOptions{}).WithContext(ctx)); err != nil {
			return fmt.Errorf("deregister %s: %w", r.ID, err)
		}
		return nil
	}, nil
}
