package sampling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/rpc"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
	"github.com/triflow/triflow/services/sampling/internal/decide"
	"github.com/triflow/triflow/services/sampling/internal/policy"
)

const (
	maxTraces  = 4096
	retryAfter = 200 * time.Millisecond
)

type server struct {
	samplingv1.UnimplementedSamplingServiceServer
	s *Service
}

// Register adds the SamplingService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	samplingv1.RegisterSamplingServiceServer(r, &server{s: s})
}

func (v *server) Decide(ctx context.Context, in *samplingv1.DecideRequest) (*samplingv1.DecideResponse, error) {
	facts, err := readFacts(in.GetTraces())
	if err != nil {
		return nil, err
	}
	if known, missing := v.s.machine.find(traces(facts)); missing == 0 {
		return v.decided(known), nil
	}
	decisions, err := v.s.decide(ctx, facts)
	if errors.Is(err, errNotLeader) {
		return forward(ctx, v.s, in, samplingv1.SamplingServiceClient.Decide)
	}
	if err != nil {
		return nil, failure(err)
	}
	return v.decided(decisions), nil
}

func (v *server) decided(decisions []decide.Decision) *samplingv1.DecideResponse {
	out := &samplingv1.DecideResponse{Decisions: make([]*samplingv1.Decision, len(decisions)), Epoch: v.s.machine.rulesNow().epoch}
	for i, d := range decisions {
		out.Decisions[i] = message(d)
	}
	return out
}

func (v *server) BatchGetDecisions(ctx context.Context, in *samplingv1.BatchGetDecisionsRequest) (*samplingv1.BatchGetDecisionsResponse, error) {
	ids, err := readIDs(in.GetTraceIds())
	if err != nil {
		return nil, err
	}
	found, missing := v.s.machine.find(ids)
	if missing > 0 {
		err := v.s.confirm()
		if errors.Is(err, errNotLeader) {
			return forward(ctx, v.s, in, samplingv1.SamplingServiceClient.BatchGetDecisions)
		}
		if err != nil {
			return nil, failure(err)
		}
	}
	out := &samplingv1.BatchGetDecisionsResponse{}
	for i, d := range found {
		if d.Cause == nil {
			out.UnknownTraceIds = append(out.UnknownTraceIds, in.GetTraceIds()[i])
			continue
		}
		out.Decisions = append(out.Decisions, message(d))
	}
	return out, nil
}

func (v *server) GetDecision(ctx context.Context, in *samplingv1.GetDecisionRequest) (*samplingv1.GetDecisionResponse, error) {
	trace, err := id.ParseTrace(in.GetTraceId())
	if err != nil {
		return nil, rpc.InvalidArgument("trace_id", err.Error())
	}
	found, missing := v.s.machine.find([]id.Trace{trace})
	if missing == 0 {
		return &samplingv1.GetDecisionResponse{Decision: message(found[0])}, nil
	}
	err = v.s.confirm()
	switch {
	case errors.Is(err, errNotLeader):
		return forward(ctx, v.s, in, samplingv1.SamplingServiceClient.GetDecision)
	case err != nil:
		return nil, failure(err)
	}
	return nil, rpc.NotFound("decision of trace", in.GetTraceId())
}

func (v *server) GetPolicySet(context.Context, *samplingv1.GetPolicySetRequest) (*samplingv1.GetPolicySetResponse, error) {
	r := v.s.machine.rulesNow()
	if r.message == nil {
		return nil, rpc.Unavailable(retryAfter, "there are no policies before the first leader")
	}
	return &samplingv1.GetPolicySetResponse{PolicySet: proto.CloneOf(r.message)}, nil
}

func (v *server) UpdatePolicySet(ctx context.Context, in *samplingv1.UpdatePolicySetRequest) (*samplingv1.UpdatePolicySetResponse, error) {
	if err := checkSet(in); err != nil {
		return nil, err
	}
	got, err := v.s.update(in.GetEtag(), in.GetPolicySet())
	switch {
	case errors.Is(err, errNotLeader):
		return forward(ctx, v.s, in, samplingv1.SamplingServiceClient.UpdatePolicySet)
	case errors.Is(err, errStale):
		return nil, status.Errorf(codes.Aborted, "etag: %q, want %q, which is the current one; read the policies again", in.GetEtag(), got.Etag)
	case err != nil:
		return nil, failure(err)
	}
	r, err := newRules(got)
	if err != nil {
		return nil, failure(err)
	}
	return &samplingv1.UpdatePolicySetResponse{PolicySet: r.message}, nil
}

func (v *server) GetCluster(context.Context, *samplingv1.GetClusterRequest) (*samplingv1.GetClusterResponse, error) {
	node := v.s.node.Load()
	if node == nil {
		return nil, rpc.Unavailable(retryAfter, "this voter has not started")
	}
	members := node.GetConfiguration()
	if err := members.Error(); err != nil {
		return nil, failure(err)
	}
	_, leader := node.LeaderWithID()
	decisions, _ := v.s.machine.size()
	out := &samplingv1.GetClusterResponse{
		NodeId: v.s.cfg.Node, LeaderId: string(leader), Term: node.CurrentTerm(), AppliedIndex: node.AppliedIndex(), Decisions: uint64(decisions),
	}
	for _, m := range members.Configuration().Servers {
		out.Voters = append(out.Voters, &samplingv1.Voter{NodeId: string(m.ID), RaftAddress: string(m.Address)})
	}
	return out, nil
}

// forward passes a call on to the leader.
func forward[In, Out any](ctx context.Context, s *Service, in In, call func(samplingv1.SamplingServiceClient, context.Context, In, ...grpc.CallOption) (Out, error)) (Out, error) {
	var none Out
	c, ctx, cancel, err := s.leader(ctx)
	if err != nil {
		return none, rpc.Unavailable(retryAfter, err.Error())
	}
	defer cancel()
	out, err := call(c, ctx, in)
	if status.Code(err) == codes.Unavailable {
		return none, rpc.Unavailable(retryAfter, status.Convert(err).Message())
	}
	return out, err
}

// failure is the status of an error of Raft: all that a change of leaders brings can be tried again.
func failure(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err).Err()
	}
	for _, passing := range []error{
		errStopped, raft.ErrNotLeader, raft.ErrLeadershipLost, raft.ErrLeadershipTransferInProgress,
		raft.ErrAbortedByRestore, raft.ErrEnqueueTimeout, raft.ErrRaftShutdown,
	} {
		if errors.Is(err, passing) {
			return rpc.Unavailable(retryAfter, err.Error())
		}
	}
	return status.Error(codes.Internal, err.Error())
}

func readFacts(list []*samplingv1.TraceFacts) ([]policy.Facts, error) {
	if n := len(list); n < 1 || n > maxTraces {
		return nil, rpc.InvalidArgument("traces", fmt.Sprintf("%d traces, want 1 to %d", n, maxTraces))
	}
	var faults rpc.Violations
	facts := make([]policy.Facts, len(list))
	for i, m := range list {
		var wrong []policy.Fault
		facts[i], wrong = policy.ReadFacts(m)
		for _, f := range wrong {
			faults.Add(fmt.Sprintf("traces[%d].%s", i, f.Path), f.Text)
		}
	}
	return facts, faults.Err()
}

func readIDs(list []string) ([]id.Trace, error) {
	if n := len(list); n < 1 || n > maxTraces {
		return nil, rpc.InvalidArgument("trace_ids", fmt.Sprintf("%d ids, want 1 to %d", n, maxTraces))
	}
	var faults rpc.Violations
	ids := make([]id.Trace, len(list))
	for i, text := range list {
		var err error
		ids[i], err = id.ParseTrace(text)
		faults.Check(fmt.Sprintf("trace_ids[%d]", i), err)
	}
	return ids, faults.Err()
}

func checkSet(in *samplingv1.UpdatePolicySetRequest) error {
	var faults rpc.Violations
	if in.GetEtag() == "" {
		faults.Add("etag", "empty, want that of the set that was read")
	}
	if in.GetPolicySet() == nil {
		faults.Add("policy_set", "missing, want a set")
	}
	for _, f := range policy.Validate(in.GetPolicySet()) {
		faults.Add("policy_set."+f.Path, f.Text)
	}
	return faults.Err()
}

func message(d decide.Decision) *samplingv1.Decision {
	m := &samplingv1.Decision{
		TraceId: d.Trace.String(), Verdict: samplingv1.Verdict_VERDICT_DROP,
		Policy: d.Cause.Policy, Reason: d.Cause.Reason, Epoch: d.Cause.Epoch, Term: d.Cause.Term,
		DecideTime: timestamppb.New(d.Time),
	}
	if d.Matched {
		m.Threshold = d.Threshold.String()
	}
	if d.Keep {
		m.Verdict, m.AdjustedCount = samplingv1.Verdict_VERDICT_KEEP, d.Threshold.AdjustedCount()
	}
	return m
}
