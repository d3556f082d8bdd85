package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	otlplogsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/settings"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var received = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// sink is an anomaly service that keeps what it gets.
type sink struct {
	mu     sync.Mutex // guards points
	points []*anomalyv1.Point
}

func (s *sink) Observe(_ context.Context, in *anomalyv1.ObserveRequest, _ ...grpc.CallOption) (*anomalyv1.ObserveResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.points = append(s.points, in.GetPoints()...)
	return &anomalyv1.ObserveResponse{}, nil
}

func deps(dir string) Deps {
	return Deps{
		Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: func() time.Time { return received },
		Dir: dir, Anomaly: &sink{},
	}
}

// payload makes a request of one service with a record for each body.
func payload(t require.TestingT, service string, bodies ...string) []byte {
	var records []*otlplogsv1.LogRecord
	for i, b := range bodies {
		records = append(records, &otlplogsv1.LogRecord{TimeUnixNano: uint64(received.UnixNano()) + uint64(i), Body: text(b)})
	}
	return request(t, service, records...)
}

func request(t require.TestingT, service string, records ...*otlplogsv1.LogRecord) []byte {
	b, err := proto.Marshal(&collectorv1.ExportLogsServiceRequest{ResourceLogs: []*otlplogsv1.ResourceLogs{{
		Resource:  &resourcev1.Resource{Attributes: []*commonv1.KeyValue{{Key: "service.name", Value: text(service)}}},
		ScopeLogs: []*otlplogsv1.ScopeLogs{{LogRecords: records}},
	}}})
	require.NoError(t, err)
	return b
}

func batch(sender string, position uint64, p []byte, done func()) handoff.Batch {
	return handoff.Batch{Sender: sender, Position: position, Signal: handoffv1.Signal_SIGNAL_LOGS, ReceiveTime: received, Payload: p, Done: done}
}

// start runs s until the test ends and returns the end itself.
func start(t *testing.T, s *Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

func push(t *testing.T, s *Service, sender string, position uint64, p []byte) {
	t.Helper()
	done := make(chan struct{})
	require.NoError(t, s.Push(t.Context(), batch(sender, position, p, func() { close(done) })))
	<-done
}

func search(t *testing.T, s *Service, in *logsv1.SearchLogsRequest) []*logsv1.LogRecord {
	t.Helper()
	out, err := (&server{s: s}).SearchLogs(t.Context(), in)
	require.NoError(t, err)
	return out.GetLogs()
}

func counts(t require.TestingT, s *Service) map[string]uint64 {
	out, err := (&server{s: s}).ListTemplates(context.Background(), &logsv1.ListTemplatesRequest{PageSize: 1000})
	require.NoError(t, err)
	n := map[string]uint64{}
	for _, tmpl := range out.GetTemplates() {
		n[tmpl.GetService()] += tmpl.GetCount()
	}
	return n
}

func TestAPushedRecordIsFoundWithItsTemplate(t *testing.T) {
	s, err := New(settings.Defaults[Config](), deps(t.TempDir()))
	require.NoError(t, err)
	start(t, s)
	push(t, s, "a", 1, payload(t, "cart", "added 3 items", "added 4 items", "boom"))
	logs := search(t, s, &logsv1.SearchLogsRequest{Service: "cart"})
	require.Len(t, logs, 3)
	require.Equal(t, "boom", logs[0].GetBody())
	require.Equal(t, logs[1].GetTemplateId(), logs[2].GetTemplateId())
	require.Len(t, search(t, s, &logsv1.SearchLogsRequest{TemplateId: logs[1].GetTemplateId()}), 2)
	require.Equal(t, map[string]uint64{"cart": 3}, counts(t, s))
	require.NoError(t, s.Ready())
}

func TestABatchThatComesTwiceCountsOnceAlsoAfterARestart(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		s, err := New(settings.Defaults[Config](), deps(dir))
		require.NoError(t, err)
		stop := start(t, s)
		push(t, s, "a", 1, payload(t, "cart", "one", "two"))
		push(t, s, "a", 2, payload(t, "cart", "three"))
		push(t, s, "a", 1, payload(t, "cart", "one", "two"))
		push(t, s, "b", 1, nil)
		require.Len(t, search(t, s, &logsv1.SearchLogsRequest{}), 3)
		require.Equal(t, map[string]uint64{"cart": 3}, counts(t, s))
		stop()
		require.ErrorIs(t, s.Ready(), ErrStopped)
		require.ErrorIs(t, s.Push(t.Context(), batch("a", 9, nil, nil)), ErrStopped)
	}
}

func TestWhatIsNoLogsRequestIsDoneAndNeverAsksForARetry(t *testing.T) {
	s, err := New(settings.Defaults[Config](), deps(t.TempDir()))
	require.NoError(t, err)
	start(t, s)
	push(t, s, "a", 1, []byte{0xff, 0xff, 0xff})
	push(t, s, "a", 2, payload(t, "cart", "fine"))
	require.Len(t, search(t, s, &logsv1.SearchLogsRequest{}), 1)
	b := batch("a", 3, nil, nil)
	b.Signal = handoffv1.Signal_SIGNAL_TRACES
	require.ErrorContains(t, s.Push(t.Context(), b), "want logs")
}

func TestPushWaitsWhileTheQueueIsFullAndGivesUpWithItsContext(t *testing.T) {
	cfg := settings.Defaults[Config]()
	cfg.Queue = 1
	s, err := New(cfg, deps(t.TempDir()))
	require.NoError(t, err)
	done := make(chan struct{})
	require.NoError(t, s.Push(t.Context(), batch("a", 1, nil, func() { close(done) })))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Push(ctx, batch("a", 2, nil, nil)), context.Canceled)
	start(t, s)
	<-done
}

// TestACrashNeitherLosesNorDoubles pushes batches, pulls the plug at any moment, with any part of what was not synced
// gone, and pushes again all that was not done.
func TestACrashNeitherLosesNorDoubles(t *testing.T) {
	cfg := settings.Defaults[Config]()
	cfg.MaxTemplates = 3
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewCrashableMem()
		open := func() *Service {
			st, err := openPebble("logs", fs)
			require.NoError(t, err)
			s, err := newService(cfg, deps(""), st)
			require.NoError(t, err)
			return s
		}
		s := open()
		senders := []string{"a", "b"}
		sent, done := map[string]uint64{}, map[string]uint64{}
		bodies := map[string][]byte{}
		records := uint64(0)
		crashes := 0
		made := func(sender string, position uint64) job {
			entries, err := decode(bodies[fmt.Sprint(sender, position)], received)
			require.NoError(t, err)
			return job{sender: sender, position: position, entries: entries, done: func() { done[sender] = max(done[sender], position) }}
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if crashes < 3 && rapid.IntRange(0, 6).Draw(t, "crash") == 0 {
				crashes++
				after := fs.CrashClone(vfs.CrashCloneCfg{
					UnsyncedDataPercent: rapid.IntRange(0, 100).Draw(t, "unsynced"),
					RNG:                 rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)),
				})
				require.NoError(t, s.store.Close())
				fs = after
				s = open()
				for _, sender := range senders {
					for p := done[sender] + 1; p <= sent[sender]; p++ {
						require.NoError(t, s.apply(context.Background(), []job{made(sender, p)}))
					}
				}
			}
			var group []job
			for range rapid.IntRange(1, 3).Draw(t, "group") {
				sender := rapid.SampledFrom(senders).Draw(t, "sender")
				sent[sender]++
				lines := rapid.SliceOfN(rapid.SampledFrom([]string{"ann in", "bob out", "x y z", "7", "a b c d", "q=1", ""}), 0, 4).Draw(t, "lines")
				records += uint64(len(lines))
				bodies[fmt.Sprint(sender, sent[sender])] = payload(t, "s", lines...)
				group = append(group, made(sender, sent[sender]))
			}
			if rapid.IntRange(0, 4).Draw(t, "lost in the queue") > 0 {
				require.NoError(t, s.apply(context.Background(), group))
				continue
			}
			crashes = min(crashes, 2) // what was lost needs a crash to be sent again
			require.NoError(t, s.store.Close())
			s = open()
			for _, sender := range senders {
				for p := done[sender] + 1; p <= sent[sender]; p++ {
					require.NoError(t, s.apply(context.Background(), []job{made(sender, p)}))
				}
			}
		}
		stored, _ := s.store.Size()
		require.EqualValues(t, records, stored)
		require.Equal(t, records, counts(t, s)["s"])
		found, err := s.store.Search(Query{Limit: 10_000, Scan: 10_000})
		require.NoError(t, err)
		require.Len(t, found.Logs, int(records))
		require.NoError(t, s.store.Close())
	})
}

// broken is a store whose commits fail.
type broken struct{ store }

func (broken) Commit(*Group) error { return errors.New("disk is gone") }

func TestAFailedCommitEndsTheServiceAndNothingIsDone(t *testing.T) {
	st, err := openPebble(t.TempDir(), vfs.Default)
	require.NoError(t, err)
	s, err := newService(settings.Defaults[Config](), deps(""), broken{st})
	require.NoError(t, err)
	require.NoError(t, s.Push(t.Context(), batch("a", 1, payload(t, "cart", "x"), func() { t.Error("done") })))
	require.ErrorContains(t, s.Run(t.Context()), "disk is gone")
	require.ErrorContains(t, s.Ready(), "disk is gone")
}

func TestWhatWaitsInTheQueueIsStoredBeforeTheEnd(t *testing.T) {
	dir := t.TempDir()
	s, err := New(settings.Defaults[Config](), deps(dir))
	require.NoError(t, err)
	var done sync.WaitGroup
	done.Add(3)
	for p := range uint64(3) {
		require.NoError(t, s.Push(t.Context(), batch("a", p+1, payload(t, "cart", "x"), done.Done)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx))
	done.Wait()
}

func TestRatesHaveExplicitZerosAndAddUpToTheLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		c := newCatalog(settings.Defaults[Config](), State{})
		s := &Service{cfg: settings.Defaults[Config](), deps: Deps{Now: time.Now, Anomaly: out}, catalog: c}
		entries, err := decode(payload(t, "cart", "one", "one", "two"), time.Now().Add(-24*time.Hour))
		require.NoError(t, err)
		reports := make(chan []sample, 1)
		for n := range 200 {
			if n == 1 {
				for i := range entries {
					entries[i].Time = time.Now()
					c.mine(&entries[i])
				}
			}
			time.Sleep(s.cfg.Step)
			s.step(t.Context(), reports)
			out.points = append(out.points, s.points(<-reports, time.Now())...)
			if n == 5 {
				rows := c.list(func(*logsv1.LogTemplate) bool { return true })
				require.InDelta(t, 2.0/25, rows[0].GetRate(), 1e-9, "over the steps since it is known")
			}
		}
		weight, zeros := 0.0, 0
		for _, p := range out.points {
			weight += p.GetWeight()
			if p.GetValue() == 0 {
				zeros++
			}
			require.Equal(t, "info", p.GetSeries().GetLabels()["severity"])
		}
		require.Equal(t, 3.0, weight)
		require.InDelta(t, 2*120, zeros, 2, "ten minutes of zeros for each of two templates")
	})
}

func TestTemplatesWithErrorsAreReportedFirst(t *testing.T) {
	cfg := settings.Defaults[Config]()
	c := newCatalog(cfg, State{})
	for i := range 300 {
		for range 2 {
			e := entry{Record: Record{Log: &logsv1.LogRecord{Service: "s"}, Time: received}, mined: fmt.Sprintf("w%c%c fine", 'a'+i/26, 'a'+i%26)}
			c.mine(&e)
		}
	}
	e := entry{Record: Record{Log: &logsv1.LogRecord{Service: "s", SeverityNumber: 17}, Time: received}, mined: "all is lost here now"}
	c.mine(&e)
	samples := c.advance(received)
	require.Len(t, samples, maxPoints)
	require.Equal(t, e.Template, samples[0].template)
	require.Equal(t, "error", samples[0].severity)
}

func TestServicesBeyondTheLimitAreCountedTogether(t *testing.T) {
	cfg := settings.Defaults[Config]()
	cfg.MaxServices = 2
	c := newCatalog(cfg, State{})
	for i := range 10 {
		e := entry{Record: Record{Log: &logsv1.LogRecord{Service: fmt.Sprint("s", i)}, Time: received}, mined: "x"}
		c.mine(&e)
	}
	require.Len(t, c.miners, 3)
	rows := c.list(func(*logsv1.LogTemplate) bool { return true })
	require.Equal(t, overflow, rows[0].GetService())
	require.EqualValues(t, 8, rows[0].GetCount())
}
