package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/table"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/group"
)

// anomalies is the part of anomaly that incidents are made from.
type anomalies interface {
	ListAnomalies(ctx context.Context, in *anomalyv1.ListAnomaliesRequest, opts ...grpc.CallOption) (*anomalyv1.ListAnomaliesResponse, error)
	QuerySeries(ctx context.Context, in *anomalyv1.QuerySeriesRequest, opts ...grpc.CallOption) (*anomalyv1.QuerySeriesResponse, error)
}

// assembly is who calls whom, and the traces that show it.
type assembly interface {
	GetGraph(ctx context.Context, in *assemblyv1.GetGraphRequest, opts ...grpc.CallOption) (*assemblyv1.GetGraphResponse, error)
	SearchTraces(ctx context.Context, in *assemblyv1.SearchTracesRequest, opts ...grpc.CallOption) (*assemblyv1.SearchTracesResponse, error)
}

// templates is what services say in their logs.
type templates interface {
	ListTemplates(ctx context.Context, in *logsv1.ListTemplatesRequest, opts ...grpc.CallOption) (*logsv1.ListTemplatesResponse, error)
}

// Deps is what the service is given.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// Dir is the service's own folder; it exists.
	Dir string
	// Rand gives 32 random bits for ids.
	Rand func() uint32
	// Anomaly, Assembly and Logs are the neighbours. Without an answer of the first nothing changes; without the others
	// there is less evidence.
	Anomaly  anomalies
	Assembly assembly
	Logs     templates
	// OnChange hears of an incident ("incident", id) that opened, changed or ended; nil for nobody. It must not block.
	OnChange func(kind, id string)
}

// askTimeout bounds a question to a neighbour.
const askTimeout = 5 * time.Second

// Service is the diagnosis service. Its RPCs and Ready may be called by many goroutines.
type Service struct {
	cfg     Config
	deps    Deps
	table   *table.Table[*diagnosisv1.Incident]
	graphs  *table.Table[*assemblyv1.GetGraphResponse] // as it was before an incident, by its id
	metrics *metrics

	// The loop's own.
	tracker  *group.Tracker
	cases    map[string]*file
	history  history
	lookback time.Time // anomalies that ended before this are known

	mu    sync.Mutex // guards scene, which is replaced and never changed
	scene scene
}

// New opens the stores in deps.Dir and takes up the incidents that were open. Nothing runs until Run.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, deps: deps, cases: map[string]*file{}}
	var err error
	if s.metrics, err = newMetrics(deps.Meter); err != nil {
		return nil, err
	}
	s.table, err = table.Open(filepath.Join(deps.Dir, "incidents"), cfg.MaxIncidents, func() *diagnosisv1.Incident { return &diagnosisv1.Incident{} })
	if err != nil {
		return nil, err
	}
	s.graphs, err = table.Open(filepath.Join(deps.Dir, "graphs"), cfg.MaxIncidents, func() *assemblyv1.GetGraphResponse { return &assemblyv1.GetGraphResponse{} })
	if err != nil {
		return nil, errors.Join(err, s.table.Close())
	}
	if err := s.restore(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// Ready is nil: what is stored can be served without any neighbour.
func (s *Service) Ready() error { return nil }

// Run follows anomalies and incidents until ctx ends, then closes the stores.
func (s *Service) Run(ctx context.Context) error {
	ticks := time.NewTicker(s.cfg.Poll)
	defer ticks.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return s.close()
		case <-ticks.C:
			err := s.look(ctx)
			if ctx.Err() == nil {
				last = s.complain(ctx, err, last)
			}
		}
	}
}

// complain logs a fault when it is another than the last one, and gives its text.
func (s *Service) complain(ctx context.Context, err error, last string) string {
	if err == nil {
		return ""
	}
	s.metrics.faults.Add(ctx, 1)
	if err.Error() != last {
		s.deps.Log.Warn("incidents not brought up to date", "error", err)
	}
	return err.Error()
}

func (s *Service) close() error { return errors.Join(s.table.Close(), s.graphs.Close()) }

// restore takes up the incidents that were open when the last process ended.
func (s *Service) restore() error {
	rows, _, err := s.table.List("", s.cfg.MaxIncidents, func(i *diagnosisv1.Incident) bool {
		return i.GetState() == diagnosisv1.IncidentState_INCIDENT_STATE_OPEN
	})
	if err != nil {
		return fmt.Errorf("load incidents: %w", err)
	}
	var open []*group.Incident
	for _, row := range rows {
		f := reopen(row)
		before, err := s.graphs.Get(row.GetId())
		switch {
		case err == nil:
			f.graph = newGraph(before)
		case !errors.Is(err, table.ErrNotFound):
			return fmt.Errorf("load graph of incident %s: %w", row.GetId(), err)
		}
		s.cases[row.GetId()] = f
		open = append([]*group.Incident{f.group}, open...) // rows are newest first
		if at := row.GetUpdateTime().AsTime(); s.lookback.IsZero() || at.Before(s.lookback) {
			s.lookback = at
		}
	}
	s.tracker = group.NewTracker(s.cfg.rules(), open)
	return nil
}

func (c Config) rules() group.Rules {
	return group.Rules{
		Threshold: c.Threshold, Evidence: c.Evidence, Strong: c.Strong, Sustain: c.Sustain, Window: c.Window, Quiet: c.Quiet,
	}
}
