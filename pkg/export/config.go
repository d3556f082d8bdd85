package export

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/breaker"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// Balance is how endpoints of one priority share the load.
type Balance string

const (
	// RoundRobin takes turns; it is the default.
	RoundRobin Balance = "round_robin"
	// LeastConnections prefers whoever has the fewest exports under way.
	LeastConnections Balance = "least_connections"
	// TraceID sends all spans of a trace to one endpoint, cutting requests up for it. Logs and metrics take turns.
	TraceID Balance = "trace_id"
)

// Endpoint is one backend.
type Endpoint struct {
	// URL is grpc:// or grpcs://host:port, or http:// or https:// to which /v1/<signal> is added.
	URL string
	// Priority 0 is tried first; a higher one only while no endpoint of a lower one can be used.
	Priority int
	// Headers go with every request: HTTP headers, or gRPC metadata.
	Headers map[string]string
	// Secrets are headers too, by their names.
	Secrets map[string]Secret
	// TLS is of grpcs:// and https://.
	TLS TLS
}

// Retry bounds the waits between rounds: a random share of a ceiling that doubles from Initial to Max.
type Retry struct {
	Initial, Max time.Duration
}

// Join bounds the requests that batches of one tenant are joined to: all are sent that were pushed within Linger, or
// while every worker was busy. A batch that is larger than that goes alone and whole.
type Join struct {
	// Items is 8192 by default; 1 joins nothing.
	Items int `yaml:"items"`
	// Bytes is 1 MiB by default. Many servers take 4 MiB at most.
	Bytes int `yaml:"bytes"`
	// Linger is 20 ms by default.
	Linger time.Duration `yaml:"linger"`
}

// Config is a destination. Name, Signal and Endpoints are needed; any other zero takes its default.
type Config struct {
	// Name of the destination, for findings and logs.
	Name string
	// Signal that it takes.
	Signal    handoffv1.Signal
	Endpoints []Endpoint
	Balance   Balance
	// Concurrency is how many batches are under way at a time; 4 by default.
	Concurrency int
	// Timeout of one export; 10 s by default.
	Timeout time.Duration
	// Compression is Gzip by default.
	Compression Compression
	// TenantHeader is the header that says whose a request is, if that is known; none by default.
	TenantHeader string
	Join         Join
	// Retry is 1 s to 30 s by default.
	Retry Retry
	// Breaker and Health are of each endpoint.
	Breaker breaker.Settings
	Health  balance.HealthSettings
}

func (c Config) withDefaults() Config {
	c.Balance = cmp.Or(c.Balance, RoundRobin)
	c.Concurrency = cmp.Or(c.Concurrency, 4)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.Compression = cmp.Or(c.Compression, Gzip)
	c.Join.Items = cmp.Or(c.Join.Items, 8192)
	c.Join.Bytes = cmp.Or(c.Join.Bytes, 1<<20)
	c.Join.Linger = cmp.Or(c.Join.Linger, 20*time.Millisecond)
	c.Retry.Initial = cmp.Or(c.Retry.Initial, time.Second)
	c.Retry.Max = cmp.Or(c.Retry.Max, max(30*time.Second, c.Retry.Initial))
	c.Health = c.Health.WithDefaults()
	return c
}

// Validate gives every fault at once.
func (c Config) Validate() error {
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("export: "+format, args...))
		}
	}
	d := c.withDefaults()
	want(c.Name != "", "name: empty, want one")
	want(pathOf(c.Signal) != "", "signal: %v, want traces, logs or metrics", c.Signal)
	want(slices.Contains([]Balance{RoundRobin, LeastConnections, TraceID}, d.Balance),
		"balance: %q, want %s, %s or %s", c.Balance, RoundRobin, LeastConnections, TraceID)
	want(d.Concurrency > 0, "concurrency: %d, want at least 1", c.Concurrency)
	want(d.Timeout > 0, "timeout: %s, want more than 0", c.Timeout)
	want(slices.Contains([]Compression{Gzip, Zstd, None}, d.Compression),
		"compression: %q, want %s, %s or %s", c.Compression, Gzip, Zstd, None)
	want(c.TenantHeader == "" || isHeader(c.TenantHeader), "tenant_header: %q, want "+headerName, c.TenantHeader)
	want(d.Join.Items > 0, "join.items: %d, want at least 1", c.Join.Items)
	want(d.Join.Bytes > 0, "join.bytes: %d, want at least 1", c.Join.Bytes)
	want(d.Join.Linger > 0, "join.linger: %s, want more than 0", c.Join.Linger)
	want(d.Retry.Initial > 0, "retry.initial: %s, want more than 0", c.Retry.Initial)
	want(d.Retry.Max >= d.Retry.Initial, "retry.max: %s, want at least retry.initial, %s", d.Retry.Max, d.Retry.Initial)
	want(len(c.Endpoints) > 0, "endpoints: none, want at least one")
	known := make(map[string]bool)
	for i, e := range c.Endpoints {
		err := e.validate()
		want(err == nil, "endpoints[%d].%w", i, err)
		want(!known[e.URL], "endpoints[%d].url: %q is given twice, want it once", i, e.URL)
		known[e.URL] = true
	}
	return errors.Join(faults...)
}

func (e Endpoint) validate() error {
	u, err := url.Parse(e.URL)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	switch {
	case u.User != nil: // and not shown
		return errors.New("url: user and password in it, want an Authorization header in secrets")
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("url: %q, want scheme://host:port", e.URL)
	case overGRPC(u):
		if _, port, err := net.SplitHostPort(u.Host); err != nil || port == "" || strings.Trim(u.Path, "/") != "" {
			return fmt.Errorf("url: %q, want %s://host:port", e.URL, u.Scheme)
		}
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url: scheme %q, want grpc, grpcs, http or https", u.Scheme)
	}
	if e.TLS != (TLS{}) && !overTLS(u) {
		return fmt.Errorf("tls: given for %s, want grpcs:// or https://", e.URL)
	}
	for name, value := range e.Headers {
		if !isHeader(name) || !isPrintable(value) {
			return fmt.Errorf("headers: %q, want %s, and a printable value", name, headerName)
		}
	}
	for name, s := range e.Secrets {
		if !isHeader(name) {
			return fmt.Errorf("secrets: %q, want %s", name, headerName)
		}
		if err := s.validate(); err != nil {
			return fmt.Errorf("secrets.%s.%w", name, err)
		}
	}
	return e.TLS.validate()
}

const headerName = "a name of letters, digits, - and _, not one of the protocol"

func overGRPC(u *url.URL) bool { return u.Scheme == "grpc" || u.Scheme == "grpcs" }

func overTLS(u *url.URL) bool { return u.Scheme == "grpcs" || u.Scheme == "https" }
