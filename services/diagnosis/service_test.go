package diagnosis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

const (
	open     = diagnosisv1.IncidentState_INCIDENT_STATE_OPEN
	resolved = diagnosisv1.IncidentState_INCIDENT_STATE_RESOLVED
	slow     = diagnosisv1.CauseKind_CAUSE_KIND_SLOW
)

func TestASlowServiceIsNamedWithWhatShowsIt(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.pass(time.Minute)
	w.storeSlow()
	w.rise("log.template.rate store", 9, 0.1, 3).Series.Labels["template_id"] = "t1"
	w.traces = append(w.traces, trace("a", 20*time.Millisecond, "front", "shop", "store"), trace("b", 450*time.Millisecond, "front", "shop", "store"))
	w.templates = []*logsv1.LogTemplate{
		{Id: "t1", Service: "store", Template: "disk was slow for <*> ms"},
		{Id: "t2", Service: "store", Template: "read <*> rows"},
		{Id: "t3", Service: "store", Template: "disk died", MaxSeverityNumber: 17, FirstTime: timestamppb.New(w.now)},
	}
	w.pass(30 * time.Second)

	all := w.incidents()
	require.Len(t, all, 1)
	i := all[0]
	require.Equal(t, open, i.GetState())
	require.Equal(t, "store is slow", i.GetTitle())
	require.Equal(t, []string{"front", "shop", "store"}, i.GetServices())
	require.Len(t, i.GetAnomalies(), 7)
	top := i.GetCauses()[0]
	require.Equal(t, "store", top.GetService())
	require.Equal(t, slow, top.GetKind())
	require.Greater(t, top.GetConfidence(), 0.9)
	require.Contains(t, top.GetExplanation(), "store is slow")

	var traces, templates, edges []string
	for _, e := range top.GetEvidence() {
		require.NotEmpty(t, e.GetStatement())
		if e.GetTrace() != nil {
			traces = append(traces, e.GetTrace().GetTraceId()[:1])
		}
		if e.GetLogTemplate() != nil {
			templates = append(templates, e.GetLogTemplate().GetTemplateId())
		}
		if e.GetEdge() != nil {
			edges = append(edges, e.GetEdge().GetClient()+">"+e.GetEdge().GetServer())
		}
	}
	require.Equal(t, []string{"b"}, traces)
	require.Equal(t, []string{"t3", "t1"}, templates)
	require.ElementsMatch(t, []string{"shop>store", "front>shop"}, edges)
	require.Equal(t, "time of its own (p90) of store rose from 5 ms to 400 ms", top.GetEvidence()[0].GetStatement())
	require.Contains(t, w.changed, i.GetId())
}

func TestAListShowsNeitherAnomaliesNorEvidence(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.storeSlow()
	w.pass(5 * time.Second)
	out, err := (&server{s: w.s}).ListIncidents(t.Context(), &diagnosisv1.ListIncidentsRequest{State: open, Service: "shop"})
	require.NoError(t, err)
	require.Len(t, out.GetIncidents(), 1)
	require.Empty(t, out.GetIncidents()[0].GetAnomalies())
	require.NotEmpty(t, out.GetIncidents()[0].GetCauses())
	for _, c := range out.GetIncidents()[0].GetCauses() {
		require.Empty(t, c.GetEvidence())
	}
	out, err = (&server{s: w.s}).ListIncidents(t.Context(), &diagnosisv1.ListIncidentsRequest{Service: "nobody"})
	require.NoError(t, err)
	require.Empty(t, out.GetIncidents())
}

func TestAnIncidentEndsAfterQuiet(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.storeSlow()
	w.pass(20 * time.Second)
	w.calm()
	end := w.now
	w.pass(w.cfg.Quiet - time.Second)
	require.Equal(t, open, w.incidents()[0].GetState())
	w.pass(time.Second)
	i := w.incidents()[0]
	require.Equal(t, resolved, i.GetState())
	require.Equal(t, end, i.GetEndTime().AsTime())
	require.Equal(t, "store", i.GetCauses()[0].GetService(), "the cause stays to be read")
	w.pass(3 * time.Minute)
	require.Len(t, w.incidents(), 1)
}

func TestANoisyOperationMakesNoIncident(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.rise("service.latency.p90 shop", 8, 0.02, 0.04)
	w.rise("service.self_time.p90 shop", 8, 0.02, 0.04)
	w.rise("edge.latency.p90 front>shop", 8, 0.02, 0.04)
	w.rise("service.request.rate store", 20, 10, 20)
	w.pass(time.Minute)
	require.Empty(t, w.incidents())
}

func TestAnIncidentGoesOnAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.storeSlow()
	w.pass(20 * time.Second)
	id := w.incidents()[0].GetId()
	w.graph.Edges = nil // the graph from before the incident was stored
	w.open()
	w.pass(10 * time.Second)
	require.Len(t, w.incidents(), 1)
	require.Equal(t, "store", w.incidents()[0].GetCauses()[0].GetService())
	require.Greater(t, w.incidents()[0].GetCauses()[0].GetConfidence(), 0.9)

	w.open()
	w.anomalies = nil // lost, or long over
	w.pass(w.cfg.Quiet + time.Second)
	require.Len(t, w.incidents(), 1)
	require.Equal(t, id, w.incidents()[0].GetId())
	require.Equal(t, resolved, w.incidents()[0].GetState())
}

func TestWhileNeighboursAreDownNothingChanges(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.storeSlow()
	w.pass(20 * time.Second)
	before := w.incidents()[0]
	w.down = errors.New("gone")
	for range 120 {
		w.tick()
		require.ErrorContains(t, s.look(t.Context()), "list anomalies: gone")
	}
	require.Equal(t, before.GetUpdateTime().AsTime(), w.incidents()[0].GetUpdateTime().AsTime())
	require.NoError(t, s.Ready())
	w.down = nil
	w.pass(5 * time.Second)
	require.Equal(t, open, w.incidents()[0].GetState())
}

func TestIncidentsThatGrowTogetherAreJoinedToTheOldest(t *testing.T) {
	w := newWorld(t)
	w.graph.Edges = append(w.graph.Edges, &assemblyv1.Edge{Client: "left", Server: "front", Red: &assemblyv1.Red{Requests: 1}})
	w.open()
	w.rise("service.own_error.ratio left", 20, 0, 0.5)
	w.rise("service.latency.p90 left", 20, 0.01, 0.5)
	w.pass(time.Second)
	w.rise("service.own_error.ratio store", 20, 0, 0.5)
	w.rise("service.latency.p90 store", 20, 0.01, 0.5)
	w.pass(time.Second)
	require.Len(t, w.incidents(), 2)
	w.rise("service.error.ratio front", 9, 0, 0.5)
	w.rise("service.error.ratio shop", 9, 0, 0.5)
	w.pass(time.Second)
	all := w.incidents()
	require.Len(t, all, 2)
	require.Equal(t, resolved, all[0].GetState())
	require.Contains(t, all[0].GetTitle(), "joined to "+all[1].GetId())
	require.Equal(t, open, all[1].GetState())
	require.Len(t, all[1].GetAnomalies(), 6)
}

func TestStatesTellWhatIsWrongWithAService(t *testing.T) {
	w := newWorld(t)
	w.open()
	w.graph.Services[0].Red.Requests = 0
	w.rise("service.own_error.ratio store", 30, 0, 0.5)
	w.rise("service.error.ratio shop", 20, 0, 0.05)
	w.pass(10 * time.Second)
	out, err := (&server{s: w.s}).ListServiceStates(t.Context(), &diagnosisv1.ListServiceStatesRequest{})
	require.NoError(t, err)
	id := w.incidents()[0].GetId()
	want := []struct {
		service, incident string
		state             diagnosisv1.HealthState
	}{
		{"front", "", diagnosisv1.HealthState_HEALTH_STATE_UNSPECIFIED},
		{"shop", id, diagnosisv1.HealthState_HEALTH_STATE_DEGRADED},
		{"store", id, diagnosisv1.HealthState_HEALTH_STATE_FAILING},
	}
	require.Len(t, out.GetStates(), len(want))
	for i, s := range out.GetStates() {
		require.Equal(t, want[i].service, s.GetService())
		require.Equal(t, want[i].state, s.GetState(), s.GetService())
		require.Equal(t, want[i].incident, s.GetIncidentId())
		require.Equal(t, want[i].incident == "", s.GetReason() == "")
	}
}

func TestBadRequestsNameTheField(t *testing.T) {
	w := newWorld(t)
	v := &server{s: w.open()}
	for field, in := range map[string]*diagnosisv1.ListIncidentsRequest{
		"page_size":  {PageSize: -1},
		"page_token": {PageToken: "?"},
		"state":      {State: 99},
	} {
		_, err := v.ListIncidents(t.Context(), in)
		require.Equal(t, codes.InvalidArgument, status.Code(err), field)
		require.Equal(t, field, status.Convert(err).Details()[0].(*errdetails.BadRequest).GetFieldViolations()[0].GetField())
	}
	_, err := v.GetIncident(t.Context(), &diagnosisv1.GetIncidentRequest{Id: "x"})
	require.Equal(t, codes.NotFound, status.Code(err))
}

func TestEverySettingOutOfRangeIsNamed(t *testing.T) {
	err := Config{}.Validate()
	for _, field := range []string{"poll", "graph", "threshold", "window", "quiet", "causes", "max_incidents"} {
		require.ErrorContains(t, err, "diagnosis."+field+": ")
	}
	_, err = New(Config{}, Deps{})
	require.Error(t, err)
}

func TestRunEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.s = nil // Run closes it
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	cancel()
	require.NoError(t, <-done)
}
