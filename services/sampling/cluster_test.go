package sampling

import (
	"context"
	"sync"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/id"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// ledger notes what was acknowledged.
type ledger struct {
	mu    sync.Mutex // guards all below
	acks  map[string]*samplingv1.Decision
	wrong []string // traces that were answered in two ways
}

func (l *ledger) note(decisions []*samplingv1.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range decisions {
		if old := l.acks[d.GetTraceId()]; old != nil && !proto.Equal(old, d) {
			l.wrong = append(l.wrong, d.GetTraceId())
		}
		l.acks[d.GetTraceId()] = d
	}
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acks)
}

// write has traces decided until ctx ends. Half of them every other writer asks for too. A writer asks a dead voter no
// further, as a client behind discovery would.
func (l *ledger) write(ctx context.Context, t *testing.T, writer int, voters []*voter) {
	t.Helper()
	const perCall = 7
	for n := 0; ctx.Err() == nil; n++ {
		in := facts(n*perCall, perCall)
		in.Traces = append(in.Traces, facts((writer+1)*1_000_000+n*perCall, perCall).Traces...)
		for turn := writer; ctx.Err() == nil; turn++ {
			out, err := voters[turn%len(voters)].client.Decide(ctx, in)
			if err == nil {
				l.note(out.GetDecisions())
				break
			}
			if code := status.Code(err); ctx.Err() == nil && code != codes.Unavailable {
				t.Errorf("writer %d: %v", writer, err)
				return
			}
		}
	}
}

// check asks one voter for everything that was acknowledged.
func (l *ledger) check(t *testing.T, v *voter) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.wrong)
	for text, want := range l.acks {
		trace, err := id.ParseTrace(text)
		require.NoError(t, err)
		got, missing := v.machine.find([]id.Trace{trace})
		require.Zero(t, missing, "trace %s is lost on %s", text, v.cfg.Node)
		require.True(t, proto.Equal(want, message(got[0])), "trace %s differs on %s", text, v.cfg.Node)
	}
}

// level waits until all voters that are up have applied as much as the leader.
func (c *cluster) level(t *testing.T) {
	t.Helper()
	leader := c.voters[c.leader(t)]
	require.NoError(t, leader.node.Load().Barrier(patience).Error())
	require.Eventually(t, func() bool {
		want, _ := leader.machine.size() // may grow by what callers asked for before they left
		for _, v := range c.voters {
			if v == nil {
				continue
			}
			if n, _ := v.machine.size(); n != want || v.machine.rulesNow().epoch != leader.machine.rulesNow().epoch {
				return false
			}
		}
		return true
	}, patience, often)
}

func TestNoAcknowledgedDecisionIsLostOrDiffersWhenTheLeaderIsKilled(t *testing.T) {
	c := newCluster(t)
	first := c.leader(t)
	setPolicies(t, c.voters[first].client, half())
	l := &ledger{acks: map[string]*samplingv1.Decision{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	voters := append([]*voter(nil), c.voters...)
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() { l.write(ctx, t, w, voters) })
	}
	grows := func() {
		from := l.len()
		require.Eventually(t, func() bool { return l.len() > from+500 }, patience, often)
	}
	grows()
	c.voters[first].kill()
	c.voters[first] = nil
	grows()
	require.NotEqual(t, first, c.leader(t))
	cancel()
	group.Wait()
	c.level(t)
	for _, v := range c.voters {
		if v != nil {
			l.check(t, v)
		}
	}
	c.start(t, first) // from its folder
	c.level(t)
	l.check(t, c.voters[first])
	c.voters[first].awaitReady(t)
	require.Equal(t, uint64(2), c.voters[first].machine.rulesNow().epoch)
}

func TestAVoterThatWasAwayForLongCatchesUpFromASnapshot(t *testing.T) {
	c := newCluster(t)
	leader := c.leader(t)
	away := (leader + 1) % len(c.voters)
	c.voters[away].kill()
	c.voters[away] = nil
	l := &ledger{acks: map[string]*samplingv1.Decision{}}
	for n := range 50 {
		out, err := c.voters[leader].client.Decide(t.Context(), facts(n*20, 20))
		require.NoError(t, err)
		l.note(out.GetDecisions())
	}
	node := c.voters[leader].node.Load()
	config := node.ReloadableConfig()
	config.TrailingLogs = 1
	require.NoError(t, node.ReloadConfig(config))
	require.NoError(t, node.Snapshot().Error())
	lowest, err := c.voters[leader].logs.FirstIndex()
	require.NoError(t, err)
	require.Greater(t, lowest, uint64(40), "the log still reaches back to when the voter left")
	c.start(t, away)
	c.level(t)
	l.check(t, c.voters[away])
}

func TestAFollowerPassesOnWhatOnlyTheLeaderCanDo(t *testing.T) {
	c := newCluster(t)
	leader := c.leader(t)
	follower := c.voters[(leader+1)%len(c.voters)]
	set := setPolicies(t, follower.client, half())
	require.Equal(t, uint64(2), set.GetEpoch())
	decided, err := follower.client.Decide(t.Context(), facts(0, 10))
	require.NoError(t, err)
	one, err := follower.client.GetDecision(t.Context(), &samplingv1.GetDecisionRequest{TraceId: traceID(3)})
	require.NoError(t, err)
	require.True(t, proto.Equal(decided.GetDecisions()[3], one.GetDecision()))
	_, err = follower.client.GetDecision(t.Context(), &samplingv1.GetDecisionRequest{TraceId: traceID(99)})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, err = follower.client.UpdatePolicySet(t.Context(), &samplingv1.UpdatePolicySetRequest{PolicySet: half(), Etag: "old"})
	require.Equal(t, codes.Aborted, status.Code(err))
	state, err := follower.client.GetCluster(t.Context(), &samplingv1.GetClusterRequest{})
	require.NoError(t, err)
	require.Equal(t, c.configs[leader].Node, state.GetLeaderId())
	require.Equal(t, follower.cfg.Node, state.GetNodeId())
	require.Len(t, state.GetVoters(), 3)
}

func TestWithoutAMajorityNobodySaysThatATraceIsUndecided(t *testing.T) {
	c := newCluster(t)
	leader := c.leader(t)
	last := c.voters[leader]
	out, err := last.client.Decide(t.Context(), facts(0, 1))
	require.NoError(t, err)
	for i, v := range c.voters {
		if i != leader {
			v.kill()
		}
	}
	get := func(n int) (*samplingv1.BatchGetDecisionsResponse, error) {
		return last.client.BatchGetDecisions(t.Context(), &samplingv1.BatchGetDecisionsRequest{TraceIds: []string{traceID(n)}})
	}
	_, err = get(1)
	require.Equal(t, codes.Unavailable, status.Code(err))
	known, err := get(0) // a decision is true whoever leads
	require.NoError(t, err)
	require.True(t, proto.Equal(out.GetDecisions()[0], known.GetDecisions()[0]))
	_, err = last.client.Decide(t.Context(), facts(1, 1))
	require.Equal(t, codes.Unavailable, status.Code(err))
}

func TestALeaderThatStopsHandsLeadershipOn(t *testing.T) {
	c := newCluster(t)
	first := c.leader(t)
	term := c.voters[first].node.Load().CurrentTerm()
	c.voters[first].stop()
	c.voters[first] = nil
	next := c.voters[c.leader(t)]
	require.Equal(t, term+1, next.node.Load().CurrentTerm())
	require.Equal(t, raft.Leader, next.node.Load().State())
}

func TestALeaderWithoutAnAddressIsNamed(t *testing.T) {
	_, err := newPeers(map[string]string{"a": "127.0.0.1:1"}, dial).client("b")
	require.EqualError(t, err, "leader b: its gRPC address is not configured")
}
