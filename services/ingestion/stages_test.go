package ingestion

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/handoff"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// archive is an OTLP backend that gives on the lines of each request with their counts.
type archive struct {
	collectorv1.UnimplementedLogsServiceServer
	got chan []string
}

func (a *archive) Export(_ context.Context, r *collectorv1.ExportLogsServiceRequest) (*collectorv1.ExportLogsServiceResponse, error) {
	var all []string
	for _, rl := range r.GetResourceLogs() {
		for _, l := range rl.GetScopeLogs()[0].GetLogRecords() {
			text := l.GetBody().GetStringValue()
			for _, kv := range l.GetAttributes() {
				if kv.GetKey() == "log_count" {
					text += fmt.Sprint(" x", kv.GetValue().GetIntValue())
				}
			}
			all = append(all, text)
		}
	}
	if len(all) > 0 { // else it is a probe
		a.got <- all
	}
	return &collectorv1.ExportLogsServiceResponse{}, nil
}

func serveArchive(t *testing.T) (*archive, string) {
	a := &archive{got: make(chan []string, 100)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer()
	collectorv1.RegisterLogsServiceServer(g, a)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-ended })
	return a, l.Addr().String()
}

func (r *running) log(t testing.TB, bodies ...string) {
	var out []byte
	require.NoError(t, r.conn.Invoke(t.Context(), exports[1], lines(t, bodies...), &out, grpc.ForceCodecV2(raw{})))
}

// destinations gives all, after a look at what they say of accepted items.
func (r *running) destinations(t require.TestingT) (all []*ingestionv1.Destination) {
	list, err := (&server{s: r.Service}).ListDestinations(context.Background(), nil)
	require.NoError(t, err)
	for _, d := range list.GetDestinations() {
		conserved(t, d, r.streams[d.GetSignal()-1].log.Stats().Total)
	}
	return list.GetDestinations()
}

func TestLinesThatRepeatComeToABackendAsOneAlsoWhenAllGoesDownBeforeTheirWindowEnds(t *testing.T) {
	to, at := serveArchive(t)
	cfg, dir := routed(t, fmt.Sprintf(`
destinations: [{name: archive, endpoints: [{url: "grpc://%s"}]}]
pipelines:
  - name: repeats
    signal: logs
    stages:
      - filter: {drop: 'item.body == "debug"'}
      - route: {when: 'item.body == "secret"', to: [service]}
      - route: {to: [service, 'pipeline:archive']}
  - {name: archive, signal: logs, match: 'false', stages: [{aggregate: {window: 1m}}, {route: {to: [archive]}}]}
`, at)), t.TempDir()
	own := newSink()
	close(own.open)
	r := start(t, cfg, dir, own)
	r.log(t, "refused", "debug", "refused")
	r.log(t, "refused", "secret")
	require.Equal(t, 2, (<-own.got).Items, "our own service gets each request by itself")
	require.Equal(t, 2, (<-own.got).Items)
	require.Eventually(t, func() bool { return r.streams[1].links[0].pump.Stats().Pushed == 2 }, 10*time.Second, time.Millisecond)
	r.stop()
	require.Equal(t, []string{"refused x3"}, <-to.got)

	r = start(t, cfg, dir, own)
	all := r.destinations(t)
	require.EqualValues(t, []uint64{5, 0}, []uint64{all[3].GetDone(), all[3].GetBehindItems()}, "what was delivered while it went down does not come again")
}

// flowOf gives the items on each edge that has some; each edge that has some has bytes.
func (r *running) flowOf(t require.TestingT) map[string]uint64 {
	flow, err := (&server{s: r.Service}).GetDataFlow(context.Background(), nil)
	require.NoError(t, err)
	known, items := map[string]bool{}, map[string]uint64{}
	for _, n := range flow.GetNodes() {
		require.False(t, known[n.GetId()], n.GetId())
		known[n.GetId()] = true
	}
	for _, e := range flow.GetEdges() {
		require.True(t, known[e.GetFrom()] && known[e.GetTo()], e)
		if e.GetItems() > 0 {
			items[e.GetFrom()+" "+e.GetTo()] += e.GetItems()
			require.Positive(t, e.GetBytes(), e)
		}
	}
	return items
}

// moody is a receiver that is busy some times before it takes a batch.
type moody struct {
	*sink
	busy int
}

func (m *moody) Push(ctx context.Context, b handoff.Batch) error {
	if m.busy--; m.busy >= 0 {
		return fmt.Errorf("busy %d times more", m.busy)
	}
	return m.sink.Push(ctx, b)
}

func TestEachItemCountsOnceInTheGraphAndForEachDestination(t *testing.T) {
	to, at := serveArchive(t)
	cfg := routed(t, fmt.Sprintf(`
destinations: [{name: archive, endpoints: [{url: "grpc://%s"}], split: {items: 1}}]
pipelines:
  - name: tidy
    signal: logs
    stages:
      - filter: {drop: 'item.body == "debug"'}
      - route: {when: 'item.body == "copy"', to: [service, archive]}
      - aggregate: {by: item.body}
`, at))
	own := newSink()
	close(own.open)
	r := start(t, cfg, t.TempDir(), own)
	r.streams[1].receiver = &moody{own, 3}
	r.log(t, "debug", "copy", "x", "x", "copy")
	require.Equal(t, 3, (<-own.got).Items)
	require.Equal(t, [][]string{{"copy"}, {"copy"}}, [][]string{<-to.got, <-to.got}, "split")
	require.Eventually(t, func() bool {
		all := r.destinations(t)
		return all[1].GetBehindItems()+all[3].GetBehindItems() == 0
	}, 10*time.Second, time.Millisecond)
	all := r.destinations(t)
	told := func(d *ingestionv1.Destination) []uint64 {
		return []uint64{d.GetDone(), d.GetDelivered(), d.GetFiltered(), d.GetAggregated(), d.GetElsewhere(), d.GetDropped()}
	}
	require.Equal(t, []uint64{5, 3, 1, 1, 0, 0}, told(all[1]))
	require.Equal(t, []uint64{5, 2, 1, 1, 1, 0}, told(all[3]))
	require.Equal(t, map[string]uint64{
		"producer/unknown_service received/logs": 5,
		"received/logs pipeline/tidy/0":          5,
		"pipeline/tidy/0 dropped":                1,
		"pipeline/tidy/0 pipeline/tidy/1":        4,
		"pipeline/tidy/1 sink/logs":              2,
		"pipeline/tidy/1 batch/archive":          2,
		"batch/archive sink/archive":             2,
		"pipeline/tidy/1 pipeline/tidy/2":        2,
		"pipeline/tidy/2 aggregated":             1,
		"pipeline/tidy/2 sink/logs":              1,
	}, r.flowOf(t))
}

func TestTheAggregatesOfTheDocumentsAreRight(t *testing.T) {
	text, err := os.ReadFile("../../docs/how-to/send-telemetry.md")
	require.NoError(t, err)
	found := 0
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		if block, _, _ = strings.Cut(block, "```"); strings.Contains(block, "- aggregate:") {
			found++
			_, err := parseRoutes([]byte(block))
			require.NoError(t, err)
		}
	}
	require.Positive(t, found)
}
