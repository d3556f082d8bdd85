package sampling

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

func half() *samplingv1.PolicySet {
	return &samplingv1.PolicySet{Policies: []*samplingv1.Policy{
		{Name: "errors", Rule: &samplingv1.Policy_Status{Status: &samplingv1.StatusRule{Codes: []samplingv1.StatusCode{samplingv1.StatusCode_STATUS_CODE_ERROR}}}},
		{Name: "half", Rule: &samplingv1.Policy_Probabilistic{Probabilistic: &samplingv1.ProbabilisticRule{Ratio: 0.5}}},
	}}
}

func setPolicies(t *testing.T, c samplingv1.SamplingServiceClient, set *samplingv1.PolicySet) *samplingv1.PolicySet {
	t.Helper()
	old, err := c.GetPolicySet(t.Context(), &samplingv1.GetPolicySetRequest{})
	require.NoError(t, err)
	got, err := c.UpdatePolicySet(t.Context(), &samplingv1.UpdatePolicySetRequest{PolicySet: set, Etag: old.GetPolicySet().GetEtag()})
	require.NoError(t, err)
	return got.GetPolicySet()
}

func TestEverythingIsKeptBeforeAnybodySetsPolicies(t *testing.T) {
	v := alone(t, t.TempDir(), nil)
	got, err := v.client.Decide(t.Context(), facts(0, 1))
	require.NoError(t, err)
	d := got.GetDecisions()[0]
	require.Equal(t, samplingv1.Verdict_VERDICT_KEEP, d.GetVerdict())
	require.Equal(t, "0", d.GetThreshold())
	require.Equal(t, 1.0, d.GetAdjustedCount())
	require.Equal(t, uint64(1), d.GetEpoch())
	require.Equal(t, uint64(1), got.GetEpoch())
	require.NotZero(t, d.GetTerm())
}

func TestTheFirstDecisionOfATraceWins(t *testing.T) {
	v := alone(t, t.TempDir(), nil)
	setPolicies(t, v.client, half())
	first, err := v.client.Decide(t.Context(), facts(0, 200))
	require.NoError(t, err)
	again := facts(0, 201)
	for _, f := range again.Traces {
		f.Status = samplingv1.StatusCode_STATUS_CODE_ERROR
	}
	second, err := v.client.Decide(t.Context(), again)
	require.NoError(t, err)
	var kept int
	for i, d := range first.GetDecisions() {
		require.True(t, proto.Equal(d, second.GetDecisions()[i]), "%v", d)
		if d.GetVerdict() == samplingv1.Verdict_VERDICT_KEEP {
			kept++
			require.Equal(t, 2.0, d.GetAdjustedCount())
		} else {
			require.Zero(t, d.GetAdjustedCount())
		}
	}
	require.InDelta(t, 100, kept, 40)
	require.Equal(t, "errors", second.GetDecisions()[200].GetPolicy())
}

func TestASingleVoterKeepsDecisionsAndPoliciesOverARestart(t *testing.T) {
	dir := t.TempDir()
	v := alone(t, dir, nil)
	set := setPolicies(t, v.client, half())
	before, err := v.client.Decide(t.Context(), facts(0, 1000))
	require.NoError(t, err)
	v.stop()

	v = alone(t, dir, nil)
	after, err := v.client.Decide(t.Context(), facts(0, 1000))
	require.NoError(t, err)
	require.True(t, proto.Equal(before, after))
	got, err := v.client.GetPolicySet(t.Context(), &samplingv1.GetPolicySetRequest{})
	require.NoError(t, err)
	require.True(t, proto.Equal(set, got.GetPolicySet()))
	require.Equal(t, uint64(2), set.GetEpoch())
}

func TestASnapshotBringsEverythingBack(t *testing.T) {
	dir := t.TempDir()
	v := alone(t, dir, nil)
	setPolicies(t, v.client, half())
	before, err := v.client.Decide(t.Context(), facts(0, 500))
	require.NoError(t, err)
	require.NoError(t, v.node.Load().Snapshot().Error())
	last, err := v.client.Decide(t.Context(), facts(500, 1)) // after the snapshot, so from the log
	require.NoError(t, err)
	v.kill()

	v = alone(t, dir, nil)
	after, err := v.client.Decide(t.Context(), facts(0, 501))
	require.NoError(t, err)
	before.Decisions = append(before.Decisions, last.GetDecisions()...)
	require.True(t, proto.Equal(before, after))
}

func TestOfSeveralWritersWithTheSameEtagOneWins(t *testing.T) {
	v := alone(t, t.TempDir(), nil)
	old, err := v.client.GetPolicySet(t.Context(), &samplingv1.GetPolicySetRequest{})
	require.NoError(t, err)
	var won, lost atomic.Int32
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			set := half()
			set.Policies[0].Name = fmt.Sprintf("errors-%d", i)
			_, err := v.client.UpdatePolicySet(t.Context(), &samplingv1.UpdatePolicySetRequest{PolicySet: set, Etag: old.GetPolicySet().GetEtag()})
			switch status.Code(err) {
			case codes.OK:
				won.Add(1)
			case codes.Aborted:
				lost.Add(1)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(1), won.Load())
	require.Equal(t, int32(7), lost.Load())
}

func TestTheTableForgetsBeyondItsLimitInTheOrderOfApplication(t *testing.T) {
	v := alone(t, t.TempDir(), func(c *Config) { c.MaxDecisions = 3 })
	for i := range 4 {
		_, err := v.client.Decide(t.Context(), facts(i, 1))
		require.NoError(t, err)
	}
	_, err := v.client.GetDecision(t.Context(), &samplingv1.GetDecisionRequest{TraceId: traceID(0)})
	require.Equal(t, codes.NotFound, status.Code(err))
	got, err := v.client.BatchGetDecisions(t.Context(), &samplingv1.BatchGetDecisionsRequest{TraceIds: []string{traceID(0), traceID(1), traceID(3), traceID(9)}})
	require.NoError(t, err)
	require.Len(t, got.GetDecisions(), 2)
	require.Equal(t, []string{traceID(0), traceID(9)}, got.GetUnknownTraceIds())
	state, err := v.client.GetCluster(t.Context(), &samplingv1.GetClusterRequest{})
	require.NoError(t, err)
	require.Equal(t, uint64(3), state.GetDecisions())
	require.Equal(t, "node-1", state.GetLeaderId())
	require.Len(t, state.GetVoters(), 1)
}

func TestABadRequestNamesItsFields(t *testing.T) {
	v := alone(t, t.TempDir(), nil)
	ctx := t.Context()
	bad := facts(0, 3)
	bad.Traces[1].TraceId, bad.Traces[2].Randomness = "00", "xyz"
	_, err1 := v.client.Decide(ctx, bad)
	_, err2 := v.client.Decide(ctx, &samplingv1.DecideRequest{})
	_, err3 := v.client.Decide(ctx, facts(0, 4097))
	_, err4 := v.client.BatchGetDecisions(ctx, &samplingv1.BatchGetDecisionsRequest{TraceIds: []string{traceID(1), "?"}})
	_, err5 := v.client.GetDecision(ctx, &samplingv1.GetDecisionRequest{})
	_, err6 := v.client.UpdatePolicySet(ctx, &samplingv1.UpdatePolicySetRequest{PolicySet: &samplingv1.PolicySet{Policies: []*samplingv1.Policy{{Name: "x"}}}})
	_, err7 := v.client.UpdatePolicySet(ctx, &samplingv1.UpdatePolicySetRequest{Etag: "x"})
	for _, c := range []struct {
		err    error
		fields []string
	}{
		{err1, []string{"traces[1].trace_id", "traces[2].randomness"}},
		{err2, []string{"traces"}},
		{err3, []string{"traces"}},
		{err4, []string{"trace_ids[1]"}},
		{err5, []string{"trace_id"}},
		{err6, []string{"etag", "policy_set.policies[0]"}},
		{err7, []string{"policy_set"}},
	} {
		require.Equal(t, codes.InvalidArgument, status.Code(c.err), "%v", c.err)
		var fields []string
		for _, f := range status.Convert(c.err).Details()[0].(*errdetails.BadRequest).GetFieldViolations() {
			fields = append(fields, f.GetField())
		}
		require.Equal(t, c.fields, fields)
	}
}

func TestWithoutALeaderACallIsToBeTriedAgain(t *testing.T) {
	s, err := New(Config{Node: "a", Raft: "127.0.0.1:0", Voters: map[string]string{"a": "127.0.0.1:1", "b": "127.0.0.1:2"}, MaxDecisions: 1}, testDeps(t.TempDir()))
	require.NoError(t, err)
	v := &server{s: s}
	check := func() {
		require.Error(t, s.Ready())
		_, err1 := v.Decide(t.Context(), facts(0, 1))
		_, err2 := v.BatchGetDecisions(t.Context(), &samplingv1.BatchGetDecisionsRequest{TraceIds: []string{traceID(0)}})
		_, err3 := v.GetPolicySet(t.Context(), &samplingv1.GetPolicySetRequest{})
		_, err4 := v.UpdatePolicySet(t.Context(), &samplingv1.UpdatePolicySetRequest{PolicySet: half(), Etag: "x"})
		for _, err := range []error{err1, err2, err3, err4} {
			require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
			require.IsType(t, &errdetails.RetryInfo{}, status.Convert(err).Details()[0])
		}
	}
	check()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	require.Eventually(t, func() bool { return s.node.Load() != nil }, patience, often)
	check()
	cancel()
	require.NoError(t, <-done)
	check()
}

func TestAForwardedCallIsNotForwardedAgain(t *testing.T) {
	c := newCluster(t)
	leader := c.leader(t)
	follower := c.voters[(leader+1)%len(c.voters)]
	marked := metadata.AppendToOutgoingContext(t.Context(), forwardedKey, "x")
	_, err := follower.client.Decide(marked, facts(0, 1))
	require.Equal(t, codes.Unavailable, status.Code(err))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = follower.client.Decide(ctx, facts(0, 1))
	require.NoError(t, err)
}
