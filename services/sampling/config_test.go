package sampling

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/settings"
)

func TestTheDefaultsAreValid(t *testing.T) {
	require.NoError(t, settings.Defaults[Config]().Validate())
}

func TestABadConfigurationNamesEveryFault(t *testing.T) {
	err := Config{
		Raft: "here", MaxDecisions: 0,
		Voters:   map[string]string{"a": "a:0", "b": "b"},
		VoterRPC: map[string]string{"a": "a", "x": "x:1"},
	}.Validate()
	require.Error(t, err)
	require.Equal(t, []string{
		`sampling.node: 0 characters, want 1 to 64`,
		`sampling.raft: "here", want host:port`,
		`sampling.max_decisions: 0, want 1 to 1073741824`,
		`sampling.voters: "" is not among them, want this node too`,
		`sampling.voters[a]: "a:0", want host:port`,
		`sampling.voters[b]: "b", want host:port`,
		`sampling.voter_rpc[a]: "a", want host:port`,
		`sampling.voter_rpc[x]: no such voter, want names of voters only`,
	}, strings.Split(err.Error(), "\n"))
}

func TestABusyPortIsToldWhenTheVoterIsMade(t *testing.T) {
	c := newCluster(t)
	_, err := New(c.configs[0], testDeps(t.TempDir()))
	require.ErrorContains(t, err, "sampling.raft: ")
}

func TestAllVotersFoundTheSameCluster(t *testing.T) {
	voters := map[string]string{"a": "a:1", "b": "b:1", "c": "c:1"}
	first := Config{Node: "a", Voters: voters}.members()
	require.Len(t, first.Servers, 3)
	require.Equal(t, first, Config{Node: "c", Voters: voters}.members())
}
