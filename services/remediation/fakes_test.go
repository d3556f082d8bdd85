package remediation

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/settings"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	slow    = diagnosisv1.CauseKind_CAUSE_KIND_SLOW
	failing = diagnosisv1.CauseKind_CAUSE_KIND_FAILING
)

// diagnosis is a diagnosis service whose incidents the test sets.
type diagnosis struct {
	incidents map[string]*diagnosisv1.Incident
}

func (d *diagnosis) set(id string, causes ...*diagnosisv1.Cause) {
	d.incidents[id] = &diagnosisv1.Incident{Id: id, Title: id + " is slow", State: diagnosisv1.IncidentState_INCIDENT_STATE_OPEN, Causes: causes}
}

func (d *diagnosis) resolve(id string) {
	d.incidents[id].State = diagnosisv1.IncidentState_INCIDENT_STATE_RESOLVED
}

func cause(service string, kind diagnosisv1.CauseKind, confidence float64) *diagnosisv1.Cause {
	return &diagnosisv1.Cause{Service: service, Kind: kind, Confidence: confidence}
}

func (d *diagnosis) ListIncidents(_ context.Context, in *diagnosisv1.ListIncidentsRequest, _ ...grpc.CallOption) (*diagnosisv1.ListIncidentsResponse, error) {
	out := &diagnosisv1.ListIncidentsResponse{}
	for _, i := range d.incidents {
		if i.GetState() == in.GetState() {
			out.Incidents = append(out.Incidents, i)
		}
	}
	return out, nil
}

func (d *diagnosis) GetIncident(_ context.Context, in *diagnosisv1.GetIncidentRequest, _ ...grpc.CallOption) (*diagnosisv1.GetIncidentResponse, error) {
	if i := d.incidents[in.GetId()]; i != nil {
		return &diagnosisv1.GetIncidentResponse{Incident: i}, nil
	}
	return nil, status.Error(codes.NotFound, "no such incident")
}

// sampler is a sampling service with compare-and-set.
type sampler struct {
	mu      sync.Mutex // guards the rest
	set     *samplingv1.PolicySet
	updates int
	before  func(update int) error // called before each update, with its number from 1; nil: nothing
	fail    error                  // what GetPolicySet answers with, nil: the set
}

func (p *sampler) GetPolicySet(context.Context, *samplingv1.GetPolicySetRequest, ...grpc.CallOption) (*samplingv1.GetPolicySetResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return nil, p.fail
	}
	return &samplingv1.GetPolicySetResponse{PolicySet: clone(p.set)}, nil
}

func (p *sampler) UpdatePolicySet(_ context.Context, in *samplingv1.UpdatePolicySetRequest, _ ...grpc.CallOption) (*samplingv1.UpdatePolicySetResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.updates++
	if p.before != nil {
		if err := p.before(p.updates); err != nil {
			return nil, err
		}
	}
	if in.GetEtag() != p.set.GetEtag() {
		return nil, status.Error(codes.Aborted, "another etag")
	}
	p.put(in.GetPolicySet().GetPolicies())
	return &samplingv1.UpdatePolicySetResponse{PolicySet: clone(p.set)}, nil
}

func (p *sampler) put(policies []*samplingv1.Policy) {
	epoch := p.set.GetEpoch() + 1
	p.set = &samplingv1.PolicySet{Policies: policies, Epoch: epoch, Etag: fmt.Sprint("e", epoch)}
}

func (p *sampler) names() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, policy := range p.set.GetPolicies() {
		names = append(names, policy.GetName())
	}
	return names
}

// world is a service with its neighbours and a clock.
type world struct {
	*testing.T
	dir       string
	cfg       Config
	now       time.Time
	rand      uint32
	diagnosis *diagnosis
	sampling  *sampler
	s         *Service
}

func newWorld(t *testing.T) *world {
	w := &world{
		T: t, dir: t.TempDir(), cfg: settings.Defaults[Config](), now: time.Unix(1_800_000_000, 0).UTC(),
		diagnosis: &diagnosis{incidents: map[string]*diagnosisv1.Incident{}},
		sampling:  &sampler{set: &samplingv1.PolicySet{}},
	}
	w.sampling.put([]*samplingv1.Policy{{Name: "errors"}})
	return w
}

func (w *world) deps() Deps {
	return Deps{
		Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: func() time.Time { return w.now }, Dir: w.dir,
		Rand:      func() uint32 { w.rand++; return w.rand },
		Diagnosis: w.diagnosis, Sampling: w.sampling,
	}
}

// open starts the service on the folder, or starts it again.
func (w *world) open() *Service {
	w.Helper()
	if w.s != nil {
		require.NoError(w, w.s.close())
	}
	s, err := New(w.cfg, w.deps())
	require.NoError(w, err)
	if w.s == nil {
		w.Cleanup(func() { require.NoError(w, w.s.close()) })
	}
	w.s = s
	return s
}

// review looks at the incidents n times, a second apart.
func (w *world) review(n int) {
	w.Helper()
	for range n {
		w.now = w.now.Add(time.Second)
		require.NoError(w, w.s.review(w.Context()))
	}
}

// plans gives the plans, oldest first, as "service STATE".
func (w *world) plans() (out []string) {
	for _, p := range w.s.all() {
		out = append(out, fmt.Sprint(p.GetService(), " ", p.GetState().String()[len("REMEDIATION_STATE_"):]))
	}
	return out
}

func (w *world) last() *remediationv1.Remediation {
	w.Helper()
	all := w.s.all()
	require.NotEmpty(w, all)
	return all[len(all)-1]
}

func (w *world) approve(p *remediationv1.Remediation) error {
	_, err := (&server{s: w.s}).ApproveRemediation(w.Context(), &remediationv1.ApproveRemediationRequest{
		Id: p.GetId(), PlanHash: p.GetPlanHash(), Approver: "ann",
	})
	return err
}

// events gives the audit trail of a plan.
func (w *world) events(p *remediationv1.Remediation) (out []string) {
	for _, e := range w.s.audit.Of(p.GetId()) {
		out = append(out, e.GetEvent())
	}
	return slices.Clip(out)
}
