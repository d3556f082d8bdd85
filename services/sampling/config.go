package sampling

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/triflow/triflow/services/sampling/internal/decide"
)

// Config says who votes and how much is remembered.
type Config struct {
	Node         string            `name:"node" default:"node-1" help:"Name of this voter, unique in the cluster and the same for ever."`
	Raft         string            `name:"raft" default:"127.0.0.1:0" help:"Where this voter listens for the others, host:port. Unused by a single voter."`
	Voters       map[string]string `name:"voters" help:"All voters, this one too: name=host:port, where the others reach it. Without any, this one votes alone." placeholder:"NAME=ADDRESS"`
	VoterRPC     map[string]string `name:"voter-rpc" help:"Where the voters serve gRPC, to pass calls on to the leader: name=host:port." placeholder:"NAME=ADDRESS"`
	MaxDecisions int               `name:"max-decisions" default:"1000000" help:"Decisions remembered; the oldest are forgotten first, and 1000000 take 45 MB. 1 to 1073741824. The leader's holds for all."`
}

// Validate names every value that is wrong.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if n := len(c.Node); n < 1 || n > 64 {
		add("sampling.node: %d characters, want 1 to 64", n)
	}
	if _, _, err := net.SplitHostPort(c.Raft); err != nil {
		add("sampling.raft: %q, want host:port", c.Raft)
	}
	if c.MaxDecisions < 1 || c.MaxDecisions > decide.MaxLimit {
		add("sampling.max_decisions: %d, want 1 to %d", c.MaxDecisions, decide.MaxLimit)
	}
	if _, in := c.Voters[c.Node]; !in && len(c.Voters) > 0 {
		add("sampling.voters: %q is not among them, want this node too", c.Node)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Voters)) {
		if _, port, err := net.SplitHostPort(c.Voters[name]); err != nil || port == "0" {
			add("sampling.voters[%s]: %q, want host:port", name, c.Voters[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.VoterRPC)) {
		if _, in := c.Voters[name]; !in && name != c.Node {
			add("sampling.voter_rpc[%s]: no such voter, want names of voters only", name)
		}
		if _, _, err := net.SplitHostPort(c.VoterRPC[name]); err != nil {
			add("sampling.voter_rpc[%s]: %q, want host:port", name, c.VoterRPC[name])
		}
	}
	return errors.Join(errs...)
}

// alone tells that this voter is the only one.
func (c Config) alone() bool { return len(c.Voters) == 0 }

// members is the cluster as it is founded, the same whoever of the voters writes it down.
func (c Config) members() raft.Configuration {
	if c.alone() {
		return raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(c.Node), Address: raft.ServerAddress(c.Node)}}}
	}
	var m raft.Configuration
	for _, name := range slices.Sorted(maps.Keys(c.Voters)) {
		m.Servers = append(m.Servers, raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(c.Voters[name])})
	}
	return m
}
