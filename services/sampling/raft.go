package sampling

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

const (
	snapshotsKept   = 2
	snapshotEvery   = 30 * time.Second
	snapshotEntries = 4096 // of up to 5000 traces, some 40 bytes each
	trailingEntries = 1024 // what a voter may lag and still catch up without a snapshot
	recentEntries   = 64   // held in memory, since they are about to be sent and applied
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
	recent, err := raft.NewLogCache(recentEntries, s.logs)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cache raft log: %w", err), trans.Close())
	}
	node, err := raft.NewRaft(cfg, s.machine, recent, s.logs, s.snaps, trans)
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
