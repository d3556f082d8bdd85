package sampling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

const (
	snapshotsKept   = 2
	snapshotEvery   = 30 * time.Second
	snapshotEntries = 4096 // of up to 5000 traces, some 40 bytes each
	trailingEntries = 1024 // what a voter may lag and still catch up without a snapshot
	raftIOTimeout   = 5 * time.Second
	raftPool        = 2
)

// start joins the cluster, or founds it when there is nothing on disk. All voters found it with the same members.
func (s *Service) start() (*raft.Raft, error) {
	log := raftLogger(s.deps.Log)
	trans := s.transport(log)
	cfg := s.raftConfig(log)
	known, err := raft.HasExistingState(s.logs, s.logs, s.snaps)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look for raft state: %w", err), trans.Close())
	}
	if !known {
		if err := raft.BootstrapCluster(cfg, s.logs, s.logs, s.snaps, trans, s.cfg.members()); err != nil {
			return nil, errors.Join(fmt.Errorf("found cluster: %w", err), trans.Close())
		}
	}
	node, err := raft.NewRaft(cfg, s.machine, s.logs, s.logs, s.snaps, trans)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start raft: %w", err), trans.Close())
	}
	return node, nil
}

func (s *Service) raftConfig(log hclog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(s.cfg.Node)
	c.Logger = log
	c.NoLegacyTelemetry = true
	c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = snapshotEvery, snapshotEntries, trailingEntries
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 500*time.Millisecond, 500*time.Millisecond, 400*time.Millisecond
	if s.cfg.alone() { // nobody else could win, so there is nothing to wait for
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	}
	return c
}

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
		ServerAddressProvider: s.cfg, Logger: log, Stream: stream{s.listener, advertised(s.cfg.Voters[s.cfg.Node])},
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

// stream is a raft.StreamLayer that listens at one address and is known by another.
type stream struct {
	net.Listener
	address advertised
}

func (s stream) Addr() net.Addr { return s.address }

func (stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", string(address), timeout)
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
