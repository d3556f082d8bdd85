package sampling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// wire is a raft.Transport that can be closed.
type wire interface {
	raft.Transport
	raft.WithClose
}

func (s *Service) transport(log hclog.Logger) wire {
	if s.listener == nil {
		_, trans := raft.NewInmemTransport(raft.ServerAddress(s.cfg.Node))
		return trans
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		ServerAddressProvider: s.cfg, Logger: log, Stream: newStream(s.listener, s.cfg.Voters[s.cfg.Node]),
		MaxPool: raftPool, Timeout: raftIOTimeout,
	})
}

// ServerAddr implements raft.ServerAddressProvider: a voter is where the configuration says now, not where it was when
// the cluster was founded.
func (c Config) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	if address, known := c.Voters[string(id)]; known {
		return raft.ServerAddress(address), nil
	}
	return "", fmt.Errorf("voter %s: no address", id)
}

// stream is a raft.StreamLayer that listens at one address and is known by another. Closing it closes its connections
// too, which Raft leaves open, so that nothing serves a voter that has stopped.
type stream struct {
	net.Listener
	address advertised

	mu     sync.Mutex // guards all below
	closed bool
	open   map[*conn]struct{}
}

func newStream(l net.Listener, address string) *stream {
	return &stream{Listener: l, address: advertised(address), open: map[*conn]struct{}{}}
}

func (s *stream) Addr() net.Addr { return s.address }

func (s *stream) Accept() (net.Conn, error) { return s.hold(s.Listener.Accept()) }

func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout}
	return s.hold(dialer.DialContext(context.Background(), "tcp", string(address)))
}

func (s *stream) Close() error {
	err := s.Listener.Close()
	s.mu.Lock()
	s.closed = true
	open := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close() // the other side sees it either way
	}
	return err
}

func (s *stream) hold(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	held := &conn{c, s}
	s.open[held] = struct{}{}
	return held, nil
}

// conn is a connection that its stream can close.
type conn struct {
	net.Conn
	of *stream
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// advertised is a host:port that need not be resolved.
type advertised string

func (advertised) Network() string  { return "tcp" }
func (a advertised) String() string { return string(a) }

// raftLogger makes the logger that Raft wants; what it is told goes to log.
func raftLogger(log *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Level: hclog.Off})
	l.RegisterSink(logSink{log})
	return l
}

type logSink struct{ log *slog.Logger }

// Accept lowers everything by one level: what Raft warns of, such as an election, it also heals.
func (s logSink) Accept(name string, level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case hclog.Error:
		to = slog.LevelWarn
	case hclog.Warn:
		to = slog.LevelInfo
	}
	s.log.Log(context.Background(), to, msg, append([]any{"component", name}, args...)...)
}
