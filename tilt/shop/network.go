package shop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// network is the loopback between the services: a listener each, found by the service's name as a cluster's DNS would.
// It is the http.RoundTripper of everybody.
type network struct {
	*http.Transport
	listeners map[string]net.Listener
}

// newNetwork listens for every service that answers requests. close gives everything back.
func newNetwork(specs []spec) (*network, error) {
	n := &network{listeners: map[string]net.Listener{}}
	for _, sp := range specs {
		if sp.consumes != nil {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			n.close()
			return nil, fmt.Errorf("listen for %s: %w", sp.name, err)
		}
		n.listeners[sp.name] = l
	}
	var dialer net.Dialer
	n.Transport = &http.Transport{
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			name, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			l, known := n.listeners[name]
			if !known {
				return nil, fmt.Errorf("no such service: %s", name)
			}
			return dialer.DialContext(ctx, "tcp", l.Addr().String())
		},
	}
	return n, nil
}

// close closes listeners and idle connections. A server may have closed its listener before.
func (n *network) close() {
	for _, l := range n.listeners {
		_ = l.Close()
	}
	if n.Transport != nil {
		n.CloseIdleConnections()
	}
}
