package anomaly

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/triflow/triflow/pkg/table"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	"github.com/triflow/triflow/services/anomaly/internal/meter"
)

// Deps is what the service is given.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// Dir is the service's own folder; it exists.
	Dir string
	// OnChange hears of an anomaly ("anomaly", id) that opened, grew or ended; nil for nobody. It is called outside of
	// all locks, maybe by several goroutines.
	OnChange func(kind, id string)
}

// ErrStopped says that the service takes no more points.
var ErrStopped = errors.New("anomaly service has stopped")

// sweepEvery is the pause between looks for silent series.
const sweepEvery = 5 * time.Second

// rows is where anomalies are stored; a table.Table is.
type rows interface {
	Put(id string, a *anomalyv1.Anomaly) error
	List(before string, limit int, keep func(*anomalyv1.Anomaly) bool) ([]*anomalyv1.Anomaly, string, error)
	Close() error
}

// Service is the anomaly service. Push, Ready and its RPCs may be called by many goroutines.
type Service struct {
	cfg     Config
	deps    Deps
	table   rows
	journal *journal
	metrics *metrics
	stopped atomic.Bool // set under turn and reads

	reads sync.RWMutex // held to read by who lists the table, and to write by who closes it

	turn    sync.Mutex                    // one caller at a time changes series, the journal and the table, so that all have one order
	unsaved map[string]*anomalyv1.Anomaly // guarded by turn: by id, what the table has not taken

	mu     sync.Mutex // guards series and what is in them, meter and seen; taken under turn, never held during I/O
	series map[string]*tracked
	meter  *meter.Meter
	seen   map[string]int64 // first point of each service, Unix ns
}

// New opens the store in deps.Dir and judges the last points of it again. Only the journal's writer runs before Run.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, deps: deps, unsaved: map[string]*anomalyv1.Anomaly{},
		series: map[string]*tracked{}, meter: meter.New(meter.Limits{Streams: cfg.MaxSeries, Points: cfg.StreamPoints}), seen: map[string]int64{},
	}
	var err error
	if s.metrics, err = newMetrics(deps.Meter, s.sizes); err != nil {
		return nil, err
	}
	s.table, err = table.Open(filepath.Join(deps.Dir, "anomalies"), cfg.MaxAnomalies, func() *anomalyv1.Anomaly { return &anomalyv1.Anomaly{} })
	if err != nil {
		return nil, err
	}
	if s.journal, err = openJournal(filepath.Join(deps.Dir, "journal"), cfg, deps.Log); err != nil {
		return nil, errors.Join(err, s.table.Close())
	}
	if err := s.restore(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// restore judges what is in the journal again, and makes the stored anomalies agree with the outcome: those that are no
// longer open end at their last point.
func (s *Service) restore() error {
	now := s.deps.Now()
	err := s.journal.replay(now.Add(-s.cfg.Replay), func(in input) { s.judge(in) })
	if err != nil {
		return err
	}
	var changed []*anomalyv1.Anomaly
	open := map[string]bool{}
	for _, t := range s.series {
		if a := t.data.Open(); a != nil {
			changed = append(changed, t.message(*a))
			open[t.id] = true
		}
	}
	left, _, err := s.table.List("", s.cfg.MaxAnomalies, func(a *anomalyv1.Anomaly) bool { return a.GetEndTime() == nil && !open[a.GetId()] })
	if err != nil {
		return err
	}
	for _, a := range left {
		a.EndTime = a.GetLastTime()
	}
	_, err = s.put(append(changed, left...))
	return err
}

// Ready is nil until Run has ended.
func (s *Service) Ready() error {
	if s.stopped.Load() {
		return ErrStopped
	}
	return nil
}

// Run ends the anomalies of silent series until ctx ends, then closes the stores.
func (s *Service) Run(ctx context.Context) error {
	ticks := time.NewTicker(sweepEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			s.turn.Lock()
			defer s.turn.Unlock()
			s.reads.Lock()
			defer s.reads.Unlock()
			s.stopped.Store(true)
			return s.close()
		case <-ticks.C:
			if err := s.sweep(ctx, s.deps.Now()); err != nil {
				s.deps.Log.Error("anomalies of silent series not ended", "error", err)
			}
		}
	}
}

func (s *Service) close() error {
	return errors.Join(s.journal.close(), s.table.Close(), s.metrics.close())
}

// sweep ends the anomalies of series that are silent, and drops series that have been so for long.
func (s *Service) sweep(ctx context.Context, now time.Time) error {
	return s.change(ctx, func() (changed []*anomalyv1.Anomaly) {
		s.mu.Lock()
		defer s.mu.Unlock()
		forget := now.Add(-s.cfg.Forget).UnixNano()
		for key, t := range s.series {
			if s.silent(t, now.UnixNano()) {
				changed = t.silence(changed)
			}
			if t.data.LastAt() < forget {
				delete(s.series, key)
			}
		}
		s.meter.Forget(forget)
		s.forgetServices()
		return changed
	})
}

// forgetServices drops the services without a series; mu is held.
func (s *Service) forgetServices() {
	kept := make(map[string]int64, len(s.seen))
	for _, t := range s.series {
		if first, ok := s.seen[about(t.name)]; ok {
			kept[about(t.name)] = first
		}
	}
	s.seen = kept
}

// change takes its turn, stores the anomalies that do gives, and tells of them.
func (s *Service) change(ctx context.Context, do func() []*anomalyv1.Anomaly) error {
	s.turn.Lock()
	if s.stopped.Load() {
		s.turn.Unlock()
		return ErrStopped
	}
	ids, err := s.put(do())
	s.turn.Unlock()
	s.metrics.changes.Add(ctx, int64(len(ids)))
	if s.deps.OnChange != nil {
		for _, id := range ids {
			s.deps.OnChange("anomaly", id)
		}
	}
	return err
}

// put stores anomalies, and those that could not be stored before, and gives the ids of those that are. turn is held.
func (s *Service) put(changed []*anomalyv1.Anomaly) (stored []string, err error) {
	for _, a := range changed {
		s.unsaved[a.GetId()] = a
	}
	ids := slices.Sorted(maps.Keys(s.unsaved))
	var errs []error
	for i, id := range ids {
		if len(ids)-i > s.cfg.MaxAnomalies {
			delete(s.unsaved, id) // the table would let go of it as well
			continue
		}
		if err := s.table.Put(id, s.unsaved[id]); err != nil {
			errs = append(errs, err)
			continue
		}
		delete(s.unsaved, id)
		stored = append(stored, id)
	}
	return stored, errors.Join(errs...)
}

// sizes counts the series and the open anomalies.
func (s *Service) sizes() (series, open int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.series {
		if t.data.Open() != nil {
			open++
		}
	}
	return int64(len(s.series)), open
}
