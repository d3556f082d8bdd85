package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

var states = []remediationv1.RemediationState{0, Proposed, Approved, Running, Succeeded, Failed, Rejected, Expired}

func TestOnlyTheDrawnMovesAreLegal(t *testing.T) {
	legal := map[[2]remediationv1.RemediationState]bool{
		{Proposed, Approved}: true, {Proposed, Rejected}: true, {Proposed, Expired}: true,
		{Approved, Running}: true, {Running, Succeeded}: true, {Running, Failed}: true,
	}
	for _, from := range states {
		for _, to := range states {
			err := Move(from, to)
			require.Equal(t, legal[[2]remediationv1.RemediationState{from, to}], err == nil, "%s to %s", Name(from), Name(to))
			if Final(from) {
				require.ErrorContains(t, err, "plan is "+Name(from))
			}
		}
	}
}

func TestTheRecordIsNeverBehindThePlan(t *testing.T) {
	for _, c := range []struct {
		event string
		found remediationv1.RemediationState
		want  bool
	}{
		{"approved", Proposed, true},
		{"approved", Approved, true},
		{"approved", Running, false},
		{"step_started", Approved, true},
		{"succeeded", Running, true},
		{"succeeded", Failed, false},
		{"proposed", Succeeded, false},
	} {
		known, ok := AfterEvent(c.event)
		require.True(t, ok)
		require.Equal(t, c.want, Reached(known, c.found), c)
	}
	_, ok := AfterEvent("danced")
	require.False(t, ok)
}

func TestTheHashTellsEveryTwoPlansApart(t *testing.T) {
	step := rapid.Custom(func(t *rapid.T) *remediationv1.Step {
		return &remediationv1.Step{
			Kind:       remediationv1.ActionKind(rapid.IntRange(1, 2).Draw(t, "kind")),
			Parameters: rapid.MapOfN(rapid.StringMatching(`[ab]{0,2}`), rapid.StringMatching(`[ab]{0,2}`), 0, 2).Draw(t, "parameters"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOfN(step, 0, 2).Draw(t, "a"), rapid.SliceOfN(step, 0, 2).Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = a[i].String() == b[i].String() // no other field is set
		}
		require.Equal(t, same, Hash(a) == Hash(b))
	})
	one := []*remediationv1.Step{{Kind: 1, Parameters: map[string]string{"a": "b"}}}
	before := Hash(one)
	one[0].Result, one[0].DryRun = "done", "would"
	require.Equal(t, before, Hash(one), "what a step did is not part of the plan")
}

func TestAPlanIsProposedOnceAndServicesAreLeftAloneAfterwards(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	limits := Limits{Cooldown: 10 * time.Minute, Pending: 3}
	made := func(id, incident, service string, state remediationv1.RemediationState, ago time.Duration) *remediationv1.Remediation {
		return &remediationv1.Remediation{
			Id: id, IncidentId: incident, Service: service, Playbook: "p", CauseKind: diagnosisv1.CauseKind_CAUSE_KIND_SLOW,
			State: state, UpdateTime: timestamppb.New(now.Add(-ago)),
		}
	}
	next := made("9", "i1", "cart", Proposed, 0)
	other := made("2", "i1", "cart", Expired, time.Minute)
	other.CauseKind = diagnosisv1.CauseKind_CAUSE_KIND_FAILING
	for name, c := range map[string]struct {
		plans []*remediationv1.Remediation
		want  string
	}{
		"the first":                           {nil, ""},
		"beside another service":              {[]*remediationv1.Remediation{made("1", "i1", "db", Running, 0)}, ""},
		"while one is pending":                {[]*remediationv1.Remediation{made("1", "i0", "cart", Proposed, time.Hour)}, "is PROPOSED"},
		"while one runs":                      {[]*remediationv1.Remediation{made("1", "i0", "cart", Running, time.Hour)}, "is RUNNING"},
		"soon after another incident's":       {[]*remediationv1.Remediation{made("1", "i0", "cart", Succeeded, 9*time.Minute)}, "ended less than 10m0s ago"},
		"soon after a rejected one":           {[]*remediationv1.Remediation{made("1", "i0", "cart", Rejected, time.Minute)}, "ended less than"},
		"long after another incident's":       {[]*remediationv1.Remediation{made("1", "i0", "cart", Succeeded, 11*time.Minute)}, ""},
		"again for the same incident":         {[]*remediationv1.Remediation{made("1", "i1", "cart", Failed, time.Hour)}, "same incident"},
		"again after nobody approved":         {[]*remediationv1.Remediation{made("1", "i1", "cart", Expired, time.Hour)}, "same incident"},
		"when the cause has moved and back":   {[]*remediationv1.Remediation{made("1", "i1", "cart", Expired, time.Hour), made("2", "i1", "db", Expired, time.Minute)}, ""},
		"when it moved back too soon":         {[]*remediationv1.Remediation{made("1", "i1", "cart", Expired, time.Minute), made("2", "i1", "db", Expired, 0)}, "ended less than"},
		"at once for another kind of cause":   {[]*remediationv1.Remediation{other}, ""},
		"while half of the system is pending": {[]*remediationv1.Remediation{made("1", "i2", "a", Proposed, 0), made("2", "i3", "b", Running, 0), made("3", "i4", "c", Approved, 0)}, "too much is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			err := MayPropose(c.plans, next, now, limits)
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
		})
	}
}
