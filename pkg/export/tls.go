package export

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"
)

// TLS is how an endpoint of grpcs:// or https:// proves who it is, and we to it. The zero value trusts the roots of the
// system and shows no certificate. Files are in PEM. They are read again when they change, and new connections use them.
type TLS struct {
	// CAFile has the certificates of who may sign the endpoint's, instead of the roots of the system.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are our certificate with its chain, and its key.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is the name in the endpoint's certificate if that is not the host of its URL.
	ServerName string `yaml:"server_name"`
	// InsecureSkipVerify is refused: telemetry and tokens would go to whoever answers.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
}

func (t TLS) validate() error {
	switch {
	case t.InsecureSkipVerify:
		return errors.New("tls.insecure_skip_verify: true, want the certificate in ca_file, and its name in server_name if the host has another")
	case (t.CertFile == "") != (t.KeyFile == ""):
		return fmt.Errorf("tls.cert_file and key_file: %q and %q, want both or none", t.CertFile, t.KeyFile)
	}
	return nil
}

// keys gives the TLS configuration for a new connection.
type keys = reloaded[*tls.Config]

// newKeys reads the files for the first time. protocols are those that are offered, the best one first.
func newKeys(t TLS, deps Deps, protocols ...string) (*keys, error) {
	var paths []string
	if t.CAFile != "" {
		paths = append(paths, t.CAFile)
	}
	if t.CertFile != "" {
		paths = append(paths, t.CertFile, t.KeyFile)
	}
	k, err := load(paths, func(contents [][]byte) (*tls.Config, error) {
		return t.config(contents, protocols)
	}, func(err error) {
		deps.Log.Warn("certificates not read again, those before are used", "error", err)
	})
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return k, nil
}

// config takes the contents in the order of newKeys.
func (t TLS) config(contents [][]byte, protocols []string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, NextProtos: protocols}
	if t.CAFile != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(contents[0]) {
			return nil, errors.New("ca_file has no certificate in PEM")
		}
		contents = contents[1:]
	}
	if t.CertFile != "" {
		own, err := tls.X509KeyPair(contents[0], contents[1])
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

// handshaker is the gRPC credentials of keys.
type handshaker struct{ keys *keys }

// ClientHandshake implements credentials.TransportCredentials.
func (h handshaker) ClientHandshake(ctx context.Context, authority string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(h.keys.get()).ClientHandshake(ctx, authority, c)
}

// ServerHandshake implements credentials.TransportCredentials.
func (h handshaker) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("credentials of a client: no server can use them")
}

// Info implements credentials.TransportCredentials.
func (h handshaker) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone implements credentials.TransportCredentials.
func (h handshaker) Clone() credentials.TransportCredentials { return h }

// OverrideServerName implements credentials.TransportCredentials. gRPC calls it no more.
func (h handshaker) OverrideServerName(string) error {
	return errors.New("server name: want it in the settings")
}
