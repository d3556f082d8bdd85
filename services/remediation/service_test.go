package remediation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
	"github.com/triflow/triflow/services/remediation/internal/plan"
)

func TestAnApprovedPlanBoostsTheSamplingOfTheCause(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9), cause("db", slow, 0.1))
	w.review(3)
	p := w.last()
	require.Equal(t, []string{"cart PROPOSED"}, w.plans())
	require.Equal(t, "would add policy boost/"+strings.ToLower(p.GetId())+"/1 to epoch 1 (1 policies): keep 100 % of the traces of cart for 10m", p.GetSteps()[0].GetDryRun())
	require.Equal(t, []string{"errors"}, w.sampling.names(), "a dry run changes nothing")

	require.NoError(t, w.approve(p))
	require.NoError(t, w.s.run(t.Context(), w.last()))
	p = w.last()
	require.Equal(t, plan.Succeeded, p.GetState())
	require.Equal(t, "ann", p.GetDecidedBy())
	require.Contains(t, p.GetSteps()[0].GetResult(), "epoch 2")
	require.Equal(t, []string{"proposed", "approved", "step_started", "step_succeeded", "succeeded"}, w.events(p))
	policy := w.sampling.set.GetPolicies()[1]
	require.Equal(t, "cart", policy.GetService())
	require.NotNil(t, policy.GetAlways())
	require.Equal(t, w.now.Add(10*time.Minute), policy.GetExpireTime().AsTime())
}

func TestTwoApprovalsAtOnceRunThePlanOnce(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.review(1)
	p := w.last()
	ctx, cancel := context.WithCancel(t.Context())
	var done, approvals sync.WaitGroup
	done.Go(func() { s.execute(ctx) })
	var taken atomic.Int32
	for range 16 {
		approvals.Go(func() {
			err := w.approve(p)
			if err == nil {
				taken.Add(1)
				return
			}
			if status.Code(err) != codes.FailedPrecondition {
				t.Error(err)
			}
		})
	}
	approvals.Wait()
	require.Eventually(t, func() bool { return plan.Final(w.last().GetState()) }, 10*time.Second, time.Millisecond)
	cancel()
	done.Wait()
	require.EqualValues(t, 1, taken.Load())
	require.Equal(t, 1, w.sampling.updates)
	require.Equal(t, []string{"proposed", "approved", "step_started", "step_succeeded", "succeeded"}, w.events(p))
}

func TestAnApprovalMustNameTheStateAndTheHash(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	v := &server{s: s}
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.review(1)
	p := w.last()
	approve := func(id, hash, approver string) error {
		_, err := v.ApproveRemediation(t.Context(), &remediationv1.ApproveRemediationRequest{Id: id, PlanHash: hash, Approver: approver})
		return err
	}
	err := approve(p.GetId(), "", "")
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.Len(t, status.Convert(err).Details()[0].(*errdetails.BadRequest).GetFieldViolations(), 2)
	require.Equal(t, codes.NotFound, status.Code(approve("x", "y", "z")))
	err = approve(p.GetId(), strings.Repeat("0", 64), "ann")
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.ErrorContains(t, err, "plan is PROPOSED, but its hash is "+p.GetPlanHash())

	_, err = v.RejectRemediation(t.Context(), &remediationv1.RejectRemediationRequest{Id: p.GetId(), Approver: "bob", Reason: strings.Repeat("x", 1025)})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	out, err := v.RejectRemediation(t.Context(), &remediationv1.RejectRemediationRequest{Id: p.GetId(), Approver: "bob", Reason: "not now"})
	require.NoError(t, err)
	require.Equal(t, "bob", out.GetRemediation().GetDecidedBy())
	err = approve(p.GetId(), p.GetPlanHash(), "ann")
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.ErrorContains(t, err, "plan is REJECTED, cannot become APPROVED")
	_, err = v.RejectRemediation(t.Context(), &remediationv1.RejectRemediationRequest{Id: p.GetId(), Approver: "eve"})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.ErrorContains(t, err, "plan is REJECTED, cannot become REJECTED")
	require.Zero(t, w.sampling.updates)

	got, err := v.GetRemediation(t.Context(), &remediationv1.GetRemediationRequest{Id: p.GetId()})
	require.NoError(t, err)
	require.Equal(t, "not now", got.GetAudit()[1].GetDetail())
	_, err = v.GetRemediation(t.Context(), &remediationv1.GetRemediationRequest{Id: "x"})
	require.Equal(t, codes.NotFound, status.Code(err))
}

func TestAPlanExpires(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		want   []string
		detail string
	}{
		"when nobody approves in time": {
			func(w *world) { w.now = w.now.Add(time.Hour); w.review(1) },
			[]string{"cart EXPIRED"},
			"nobody approved within 1h0m0s",
		},
		"when the incident is over": {
			func(w *world) { w.diagnosis.resolve("i1"); w.review(1) },
			[]string{"cart EXPIRED"},
			"the incident ended before anybody approved",
		},
		"when the incident is forgotten": {
			func(w *world) { delete(w.diagnosis.incidents, "i1"); w.review(1) },
			[]string{"cart EXPIRED"},
			"the incident ended before anybody approved",
		},
		"and gives way to the new cause": {
			func(w *world) { w.diagnosis.set("i1", cause("db", slow, 0.9)); w.review(patience) },
			[]string{"cart EXPIRED", "db PROPOSED"},
			"the most probable cause is now SLOW of db",
		},
		"and gives way to another kind": {
			func(w *world) { w.diagnosis.set("i1", cause("cart", failing, 0.9)); w.review(patience) },
			[]string{"cart EXPIRED", "cart PROPOSED"},
			"the most probable cause is now FAILING of cart",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open()
			w.diagnosis.set("i1", cause("cart", slow, 0.9))
			w.review(1)
			first := w.last()
			c.change(w)
			require.Equal(t, c.want, w.plans())
			trail := s.audit.Of(first.GetId())
			require.Equal(t, c.detail, trail[len(trail)-1].GetDetail())
			err := w.approve(first)
			require.ErrorContains(t, err, "plan is EXPIRED, cannot become APPROVED")
		})
	}
}

func TestAnApprovalThatComesTooLateExpiresThePlan(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.review(1)
	w.now = w.now.Add(time.Hour)
	require.ErrorContains(t, w.approve(w.last()), "plan is EXPIRED")
	require.Equal(t, []string{"cart EXPIRED"}, w.plans())
}

func TestACauseThatFlickersKeepsThePlan(t *testing.T) {
	w := newWorld(t)
	w.open()
	for range 20 {
		w.diagnosis.set("i1", cause("cart", slow, 0.9))
		w.review(1)
		w.diagnosis.set("i1", cause("db", slow, 0.9))
		w.review(patience - 1)
	}
	require.Equal(t, []string{"cart PROPOSED"}, w.plans())
}

func TestATieHasNoPlan(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.46), cause("db", slow, 0.46))
	w.diagnosis.set("i2")
	w.review(3)
	require.Empty(t, w.plans())
}

// An alert that comes back for two hours, whatever is done, gets a bounded number of plans.
func TestAStormOfIncidentsGetsOnePlanAtATimeAndThenAPause(t *testing.T) {
	w := newWorld(t)
	w.open()
	for n := range 240 {
		w.now = w.now.Add(29 * time.Second)
		id := fmt.Sprint("i", n)
		w.diagnosis.set(id, cause("checkout", failing, 0.9))
		w.review(1)
		if p := w.last(); p.GetState() == plan.Proposed {
			require.NoError(t, w.approve(p))
			require.NoError(t, w.s.run(t.Context(), w.last()))
		}
		w.diagnosis.resolve(id)
	}
	plans := w.s.all()
	require.LessOrEqual(t, len(plans), 12, "two hours at ten minutes each")
	for i, p := range plans[1:] {
		require.GreaterOrEqual(t, p.GetCreateTime().AsTime().Sub(plans[i].GetUpdateTime().AsTime()), w.cfg.Cooldown)
	}
}

func TestWhenTooMuchIsWrongAtOnceNothingMoreIsProposed(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxPending = 3
	w.open()
	for n := range 20 {
		w.diagnosis.set(fmt.Sprint("i", n), cause(fmt.Sprint("s", n), failing, 0.9))
	}
	w.review(5)
	require.Len(t, w.plans(), 3)
}

func TestACrashAtAnyWriteIsCarriedOnAndDoesEachStepOnce(t *testing.T) {
	for crash := 1; crash <= 12; crash++ {
		t.Run(fmt.Sprint("write ", crash), func(t *testing.T) {
			w := newWorld(t)
			w.open()
			w.diagnosis.set("i1", cause("cart", slow, 0.9))
			w.review(1)
			p := w.last()
			require.NoError(t, w.approve(p))
			w.crashAfter(crash, p)
			w.open()
			require.NoError(t, w.s.Ready())
			if !plan.Final(w.last().GetState()) {
				require.NoError(t, w.s.run(t.Context(), w.last()))
			}
			require.Equal(t, plan.Succeeded, w.last().GetState())
			require.Len(t, w.sampling.names(), 2)
			require.Equal(t, 1, w.sampling.updates)
			require.Equal(t, "ann", w.last().GetDecidedBy())
		})
	}
}

// crashAfter runs the plan on a copy of the folder as it is after each write, up to the n-th, which is put in place.
func (w *world) crashAfter(n int, p *remediationv1.Remediation) {
	events := []string{"step_started", "step_succeeded", "succeeded"}
	writes := 0
	for i, e := range events {
		if writes++; writes > n {
			return
		}
		if e == "step_succeeded" { // the action has been done
			_, err := w.s.actions[remediationv1.ActionKind_ACTION_KIND_SAMPLING_BOOST].Do(w.Context(), call{plan: p})
			require.NoError(w, err)
			if writes++; writes > n {
				return
			}
		}
		require.NoError(w, w.s.audit.Append(w.now, p.GetId(), e, self, "step"))
		if writes++; writes > n {
			return // in the trail, and not in the plan
		}
		w.s.mu.Lock()
		next := clone(w.s.plans[p.GetId()])
		next.State, _ = plan.AfterEvent(e)
		if i > 0 {
			next.Steps[0].Result = "done"
		}
		require.NoError(w, w.s.put(next))
		w.s.mu.Unlock()
	}
}

func TestAnApprovalThatCrashedBeforeThePlanWasStoredStands(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.review(1)
	require.NoError(t, s.audit.Append(w.now, w.last().GetId(), "approved", "ann", "plan"))
	w.open()
	require.Equal(t, []string{"cart APPROVED"}, w.plans())
	require.Equal(t, "ann", w.last().GetDecidedBy())
	require.Error(t, w.approve(w.last()))
}

func TestAPlanThatWasLeftBehindLongAgoIsNotTakenUp(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.review(1)
	require.NoError(t, w.approve(w.last()))
	w.now = w.now.Add(5 * time.Hour)
	w.open()
	require.NoError(t, w.s.run(t.Context(), w.last()))
	require.Equal(t, plan.Failed, w.last().GetState())
	require.Equal(t, "the approval has lapsed before this step", w.last().GetSteps()[0].GetError())
	require.Zero(t, w.sampling.updates)
}

func TestTheEndOfTheServiceIsNoOutcomeOfAStep(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.review(1)
	require.NoError(t, w.approve(w.last()))
	ctx, cancel := context.WithCancel(t.Context())
	w.sampling.before = func(int) error { cancel(); return status.Error(codes.Unavailable, "no leader") }
	require.ErrorIs(t, w.s.run(ctx, w.last()), context.Canceled)
	require.Equal(t, plan.Running, w.last().GetState())
	w.sampling.before = nil
	w.open()
	require.NoError(t, w.s.run(t.Context(), w.last()))
	require.Equal(t, plan.Succeeded, w.last().GetState())
}

func TestAFailedStepEndsThePlan(t *testing.T) {
	w := newWorld(t)
	w.cfg.WebhookURL = "https://hooks.example.com/x"
	w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.sampling.fail = errors.New("no such service")
	w.review(1)
	p := w.last()
	require.Contains(t, p.GetSteps()[0].GetDryRunError(), "no such service")
	require.NoError(t, w.approve(p))
	require.NoError(t, w.s.run(t.Context(), w.last()))
	p = w.last()
	require.Equal(t, plan.Failed, p.GetState())
	require.Contains(t, p.GetSteps()[0].GetError(), "no such service")
	require.Empty(t, p.GetSteps()[1].GetResult(), "the second step was not begun")
	require.Equal(t, []string{"proposed", "approved", "step_started", "step_failed", "failed"}, w.events(p))
}

func TestABoostIsAddedByCompareAndSetAndOldOnesGo(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	old := &samplingv1.Policy{Name: "boost/old/1", ExpireTime: stamp(w.now.Add(-time.Second))}
	foreign := &samplingv1.Policy{Name: "night", ExpireTime: stamp(w.now.Add(-time.Second))}
	w.sampling.put([]*samplingv1.Policy{old, foreign})
	w.sampling.before = func(update int) error {
		switch update {
		case 1: // another writer is faster
			w.sampling.put(append(w.sampling.set.GetPolicies(), &samplingv1.Policy{Name: "new"}))
		case 2:
			return status.Error(codes.Unavailable, "no leader")
		}
		return nil
	}
	c := call{plan: &remediationv1.Remediation{Id: "P", Steps: []*remediationv1.Step{{
		Kind: remediationv1.ActionKind_ACTION_KIND_SAMPLING_BOOST, Parameters: map[string]string{"service": "cart", "ratio": "0.5", "for": "5m"},
	}}}}
	b := s.actions[remediationv1.ActionKind_ACTION_KIND_SAMPLING_BOOST].(*boost)
	b.base = time.Microsecond
	first, err := b.Do(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, []string{"night", "new", "boost/p/1"}, w.sampling.names())
	require.Equal(t, 0.5, w.sampling.set.GetPolicies()[2].GetProbabilistic().GetRatio())
	updates := w.sampling.updates
	w.now = w.now.Add(time.Minute)
	again, err := b.Do(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, first, again, "the same policy with the same end")
	require.Equal(t, updates, w.sampling.updates)
}

func TestPlansAreListedLatestFirstByPage(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	for n := range 5 {
		w.diagnosis.set(fmt.Sprint("i", n), cause(fmt.Sprint("s", n), slow, 0.9))
		w.review(1)
	}
	v, got := &server{s: s}, []string(nil)
	in := &remediationv1.ListRemediationsRequest{PageSize: 2, State: plan.Proposed}
	for {
		out, err := v.ListRemediations(t.Context(), in)
		require.NoError(t, err)
		for _, p := range out.GetRemediations() {
			got = append(got, p.GetService())
		}
		if in.PageToken = out.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	require.Equal(t, []string{"s4", "s3", "s2", "s1", "s0"}, got)
	out, err := v.ListRemediations(t.Context(), &remediationv1.ListRemediationsRequest{IncidentId: "i3"})
	require.NoError(t, err)
	require.Len(t, out.GetRemediations(), 1)
	_, err = v.ListRemediations(t.Context(), &remediationv1.ListRemediationsRequest{PageSize: 201, PageToken: "x", State: 77})
	require.Len(t, status.Convert(err).Details()[0].(*errdetails.BadRequest).GetFieldViolations(), 3)
}

func TestRunProposesAndExecutesUntilItsEnd(t *testing.T) {
	w := newWorld(t)
	w.cfg.Poll = 100 * time.Millisecond
	s, err := New(w.cfg, w.deps())
	require.NoError(t, err)
	w.s = s
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	require.Eventually(t, func() bool { return len(s.all()) == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, w.approve(w.last()))
	require.Eventually(t, func() bool { return w.last().GetState() == plan.Succeeded }, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
}

func TestPlaybooksOfAFileComeFirstAndTheirFaultsStopTheStart(t *testing.T) {
	w := newWorld(t)
	w.cfg.Playbooks = filepath.Join(t.TempDir(), "playbooks.yaml")
	require.NoError(t, os.WriteFile(w.cfg.Playbooks, []byte("playbooks:\n  - {name: nothing, when: cause.service == 'cart'}\n"), 0o600))
	w.open()
	w.diagnosis.set("i1", cause("cart", slow, 0.9))
	w.diagnosis.set("i2", cause("db", slow, 0.9))
	w.review(2)
	require.Equal(t, []string{"db PROPOSED"}, w.plans())

	require.NoError(t, os.WriteFile(w.cfg.Playbooks, []byte("playbooks:\n  - {name: x, when: cause.servic == 'cart'}\n"), 0o600))
	_, err := New(w.cfg, w.deps())
	require.ErrorContains(t, err, "line 2: playbooks[0].when")
	w.cfg.Playbooks += "x"
	_, err = New(w.cfg, w.deps())
	require.ErrorContains(t, err, "read playbooks")
}
