package gateway

import (
	"fmt"
	"net"
)

// Config says where the gateway listens.
type Config struct {
	Listen string `name:"listen" default:"127.0.0.1:8080" help:"Address of REST, Connect, gRPC and the page, host:port."`
}

// Validate gives every fault of c at once; nil without one.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("gateway.listen: %q, want host:port", c.Listen)
	}
	return nil
}
