package diagnosis

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/settings"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a service with its neighbours, whose answers the test sets, and a clock. It is the three neighbours itself.
type world struct {
	*testing.T
	dir  string
	cfg  Config
	now  time.Time
	rand uint32
	s    *Service

	down      error // what every neighbour answers with, nil: what it has
	anomalies map[string]*anomalyv1.Anomaly
	graph     *assemblyv1.GetGraphResponse
	traces    []*assemblyv1.TraceSummary
	templates []*logsv1.LogTemplate
	changed   []string // the ids that OnChange heard of
}

// newWorld has a front that asks a shop that asks a store, each seen for long.
func newWorld(t *testing.T) *world {
	w := &world{
		T: t, dir: t.TempDir(), cfg: settings.Defaults[Config](), now: time.Unix(1_800_000_000, 0).UTC(),
		anomalies: map[string]*anomalyv1.Anomaly{}, graph: &assemblyv1.GetGraphResponse{},
	}
	for _, name := range []string{"front", "shop", "store"} {
		w.graph.Services = append(w.graph.Services, &assemblyv1.Service{
			Name: name, Kind: assemblyv1.NodeKind_NODE_KIND_SERVICE, Red: &assemblyv1.Red{Requests: 1000},
		})
	}
	for _, e := range [][2]string{{"front", "shop"}, {"shop", "store"}} {
		w.graph.Edges = append(w.graph.Edges, &assemblyv1.Edge{Client: e[0], Server: e[1], Red: &assemblyv1.Red{Requests: 1000}})
	}
	return w
}

// open starts the service on the folder, or starts it again.
func (w *world) open() *Service {
	w.Helper()
	if w.s != nil {
		require.NoError(w, w.s.close())
	}
	s, err := New(w.cfg, Deps{
		Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: func() time.Time { return w.now }, Dir: w.dir,
		Rand:    func() uint32 { w.rand++; return w.rand },
		Anomaly: w, Assembly: w, Logs: w,
		OnChange: func(_, id string) { w.changed = append(w.changed, id) },
	})
	require.NoError(w, err)
	if w.s == nil {
		w.Cleanup(func() {
			if w.s != nil {
				require.NoError(w, w.s.close())
			}
		})
	}
	w.s = s
	return s
}

// pass lets time pass, a look a second. Open anomalies go on.
func (w *world) pass(d time.Duration) {
	w.Helper()
	for range int(d / time.Second) {
		w.tick()
		require.NoError(w, w.s.look(w.Context()))
	}
}

func (w *world) tick() {
	w.now = w.now.Add(time.Second)
	for _, a := range w.anomalies {
		if a.GetEndTime() == nil {
			a.LastTime = timestamppb.New(w.now)
		}
	}
}

// rise opens an anomaly: a series "name service" or "name client>server" goes up.
func (w *world) rise(series string, score, expected, value float64) *anomalyv1.Anomaly {
	name, about, _ := strings.Cut(series, " ")
	labels := map[string]string{"service": about}
	service := about
	if client, server, edge := strings.Cut(about, ">"); edge {
		labels, service = map[string]string{"client": client, "server": server}, server
	}
	a := &anomalyv1.Anomaly{
		Id: fmt.Sprintf("%s %s", w.now.Format("150405"), series), Series: &anomalyv1.Series{Name: name, Labels: labels}, Service: service,
		Direction: anomalyv1.Direction_DIRECTION_UP, Score: score, Value: value, Expected: expected, Confidence: 0.9,
		StartTime: timestamppb.New(w.now), LastTime: timestamppb.New(w.now),
	}
	w.anomalies[a.GetId()] = a
	return a
}

// calm ends all anomalies.
func (w *world) calm() {
	for _, a := range w.anomalies {
		if a.GetEndTime() == nil {
			a.EndTime = timestamppb.New(w.now)
		}
	}
}

// storeSlow makes the store slow, with all that follows from it.
func (w *world) storeSlow() {
	w.rise("service.self_time.p90 store", 29, 0.005, 0.4)
	w.rise("service.latency.p90 store", 29, 0.005, 0.4)
	w.rise("edge.latency.p90 shop>store", 28, 0.006, 0.4)
	w.rise("service.latency.p90 shop", 20, 0.02, 0.42)
	w.rise("edge.latency.p90 front>shop", 20, 0.02, 0.42)
	w.rise("service.latency.p90 front", 18, 0.03, 0.43)
}

// incidents gives all incidents, latest first, with all that GetIncident shows.
func (w *world) incidents() (out []*diagnosisv1.Incident) {
	w.Helper()
	v := &server{s: w.s}
	list, err := v.ListIncidents(w.Context(), &diagnosisv1.ListIncidentsRequest{})
	require.NoError(w, err)
	for _, row := range list.GetIncidents() {
		one, err := v.GetIncident(w.Context(), &diagnosisv1.GetIncidentRequest{Id: row.GetId()})
		require.NoError(w, err)
		out = append(out, one.GetIncident())
	}
	return out
}

func (w *world) ListAnomalies(_ context.Context, in *anomalyv1.ListAnomaliesRequest, _ ...grpc.CallOption) (*anomalyv1.ListAnomaliesResponse, error) {
	out := &anomalyv1.ListAnomaliesResponse{}
	for _, a := range w.anomalies {
		if a.GetEndTime() == nil || !a.GetEndTime().AsTime().Before(in.GetStartTime().AsTime()) {
			out.Anomalies = append(out.Anomalies, proto.CloneOf(a))
		}
	}
	return out, w.down
}

// QuerySeries says that every series of every service and edge has been there all the time, a point each 5 s.
func (w *world) QuerySeries(_ context.Context, in *anomalyv1.QuerySeriesRequest, _ ...grpc.CallOption) (*anomalyv1.QuerySeriesResponse, error) {
	out := &anomalyv1.QuerySeriesResponse{}
	add := func(labels map[string]string) {
		row := &anomalyv1.SeriesPoints{Series: &anomalyv1.Series{Name: in.GetName(), Labels: labels}}
		for at := in.GetStartTime().AsTime(); at.Before(w.now); at = at.Add(5 * time.Second) {
			row.Times = append(row.Times, timestamppb.New(at))
		}
		out.Series = append(out.Series, row)
	}
	for _, n := range w.graph.GetServices() {
		if strings.HasPrefix(in.GetName(), "service.") {
			add(map[string]string{"service": n.GetName()})
		}
	}
	for _, e := range w.graph.GetEdges() {
		if strings.HasPrefix(in.GetName(), "edge.") {
			add(map[string]string{"client": e.GetClient(), "server": e.GetServer()})
		}
	}
	return out, w.down
}

func (w *world) GetGraph(context.Context, *assemblyv1.GetGraphRequest, ...grpc.CallOption) (*assemblyv1.GetGraphResponse, error) {
	return proto.CloneOf(w.graph), w.down
}

func (w *world) SearchTraces(_ context.Context, in *assemblyv1.SearchTracesRequest, _ ...grpc.CallOption) (*assemblyv1.SearchTracesResponse, error) {
	out := &assemblyv1.SearchTracesResponse{}
	for _, t := range w.traces {
		if slices.Contains(t.GetServices(), in.GetService()) && t.GetDuration().AsDuration() >= in.GetMinDuration().AsDuration() &&
			(in.GetStatus() == 0 || t.GetErrorCount() > 0) {
			out.Traces = append(out.Traces, proto.CloneOf(t))
		}
	}
	return out, w.down
}

func (w *world) ListTemplates(_ context.Context, in *logsv1.ListTemplatesRequest, _ ...grpc.CallOption) (*logsv1.ListTemplatesResponse, error) {
	out := &logsv1.ListTemplatesResponse{}
	for _, t := range w.templates {
		if t.GetService() == in.GetService() {
			out.Templates = append(out.Templates, t)
		}
	}
	return out, w.down
}

func trace(id string, took time.Duration, services ...string) *assemblyv1.TraceSummary {
	return &assemblyv1.TraceSummary{
		TraceId: strings.Repeat(id, 32), RootService: services[0], RootOperation: "GET /", Duration: durationpb.New(took), Services: services,
	}
}
