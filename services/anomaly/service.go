package anomaly

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/table"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	"github.com/triflow/triflow/services/anomaly/internal/detect"
	"github.com/triflow/triflow/services/anomaly/internal/meter"
)

// Deps is what the service is given.
type Deps struct {
	Log   *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// Dir is the service's own folder; it exists.
	Dir string
	// OnChange hears of an anomaly ("anomaly", id) that opened, grew or ended; nil for nobody. It must not block.
	OnChange func(kind, id string)
}

// ErrStopped says that the service takes no more points.
var ErrStopped = errors.New("anomaly service has stopped")

// sweepEvery is the pause between looks for silent series.
const sweepEvery = 5 * time.Second

// Service is the anomaly service. Its RPCs and Ready may be called by many goroutines.
type Service struct {
	cfg   Config
	deps  Deps
	table *table.Table[*anomalyv1.Anomaly]
	// ignored counts points that were late, not finite or beyond the limit of series.
	ignored metric.Int64Counter

	turn    sync.Mutex // one caller at a time changes series and stores anomalies, so that puts keep their order
	stopped bool       // guarded by turn

	mu     sync.Mutex // guards series and what is in them; taken under turn
	series map[string]*tracked
	meter  *meter.Meter
}

// tracked is a series with its anomaly.
type tracked struct {
	name *anomalyv1.Series
	data *detect.Series
	id   string // of the open anomaly
}

// New opens the store in deps.Dir and ends the anomalies that the last process left open. Nothing runs until Run.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	ignored, err := deps.Meter.Int64Counter("triflow.anomaly.points.ignored", metric.WithUnit("{point}"),
		metric.WithDescription("Points that were late, not finite or beyond the limit of series."))
	if err != nil {
		return nil, err
	}
	t, err := table.Open(filepath.Join(deps.Dir, "anomalies"), cfg.MaxAnomalies, func() *anomalyv1.Anomaly { return &anomalyv1.Anomaly{} })
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, deps: deps, table: t, ignored: ignored, series: map[string]*tracked{}, meter: meter.New(cfg.MaxSeries)}
	if err := s.endLeft(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return s, nil
}

func (s *Service) endLeft() error {
	left, _, err := s.table.List("", s.cfg.MaxAnomalies, func(a *anomalyv1.Anomaly) bool { return a.GetEndTime() == nil })
	if err != nil {
		return err
	}
	for _, a := range left {
		a.EndTime = a.GetLastTime()
		if err := s.table.Put(a.GetId(), a); err != nil {
			return err
		}
	}
	return nil
}

// Ready is nil when the service can serve.
func (s *Service) Ready() error { return nil }

// Run ends the anomalies of silent series until ctx ends, then closes the store.
func (s *Service) Run(ctx context.Context) error {
	ticks := time.NewTicker(sweepEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			s.turn.Lock()
			defer s.turn.Unlock()
			s.stopped = true
			return s.table.Close()
		case <-ticks.C:
			if err := s.sweep(s.deps.Now()); err != nil {
				s.deps.Log.Error("anomalies of silent series not ended", "error", err)
			}
		}
	}
}

// sweep ends the anomalies of series that are silent, and drops series that have been so for long.
func (s *Service) sweep(now time.Time) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	var changed []*anomalyv1.Anomaly
	s.mu.Lock()
	for key, t := range s.series {
		silent := now.Sub(time.Unix(0, t.data.LastAt()))
		if silent < s.cfg.Silence {
			continue
		}
		if change, a := t.data.Silence(t.data.LastAt()); change != detect.None {
			changed = append(changed, t.message(change, a))
		}
		if silent >= s.cfg.Forget {
			delete(s.series, key)
		}
	}
	s.meter.Forget(now.Add(-s.cfg.Forget).UnixNano())
	s.mu.Unlock()
	return s.put(changed)
}

// observe adds points that are known to be well-formed.
func (s *Service) observe(ctx context.Context, points []*anomalyv1.Point) (accepted uint32, err error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.stopped {
		return 0, ErrStopped
	}
	var changed []*anomalyv1.Anomaly
	s.mu.Lock()
	for _, p := range points {
		at := detect.Point{At: p.GetTime().AsTime().UnixNano(), Value: p.GetValue(), Weight: p.GetWeight()}
		taken, m := s.add(p.GetSeries(), detect.KindOf(p.GetSeries().GetName()), at)
		if taken {
			accepted++
		}
		if m != nil {
			changed = append(changed, m)
		}
	}
	s.mu.Unlock()
	s.ignored.Add(ctx, int64(len(points))-int64(accepted))
	return accepted, s.put(changed)
}

// add judges one point. It gives the anomaly that changed, or nil; mu is held.
func (s *Service) add(name *anomalyv1.Series, k detect.Kind, p detect.Point) (taken bool, changed *anomalyv1.Anomaly) {
	t := s.follow(name, k)
	if t == nil {
		return false, nil
	}
	result, change, a := t.data.Add(p)
	if change != detect.None {
		changed = t.message(change, a)
	}
	return result == detect.Taken, changed
}

// follow gives the series, made if there is room; else nil.
func (s *Service) follow(name *anomalyv1.Series, k detect.Kind) *tracked {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(name)
	if err != nil {
		return nil
	}
	t := s.series[string(b)]
	if t == nil && len(s.series) < s.cfg.MaxSeries {
		t = &tracked{name: name, data: detect.New(k, s.cfg.options())}
		s.series[string(b)] = t
	}
	return t
}

func (s *Service) put(changed []*anomalyv1.Anomaly) error {
	var errs []error
	for _, a := range changed {
		if err := s.table.Put(a.GetId(), a); err != nil {
			errs = append(errs, err)
			continue
		}
		if s.deps.OnChange != nil {
			s.deps.OnChange("anomaly", a.GetId())
		}
	}
	return errors.Join(errs...)
}

// message tells a as it is after the change. The id is made of the start and the series.
func (t *tracked) message(change detect.Change, a detect.Anomaly) *anomalyv1.Anomaly {
	if change == detect.Opened {
		t.id = id.New(time.Unix(0, a.Start), uint32(xxhash.Sum64String(t.name.String())))
	}
	m := &anomalyv1.Anomaly{
		Id: t.id, Series: t.name, Service: about(t.name), Direction: anomalyv1.Direction_DIRECTION_DOWN,
		Score: a.Score, Value: a.Value, Expected: a.Expected, Scale: a.Scale, Confidence: a.Confidence,
		StartTime: timestamppb.New(time.Unix(0, a.Start)), LastTime: timestamppb.New(time.Unix(0, a.Last)),
	}
	if a.Up {
		m.Direction = anomalyv1.Direction_DIRECTION_UP
	}
	if a.End != 0 {
		m.EndTime = timestamppb.New(time.Unix(0, a.End))
	}
	return m
}

// about is the service that a series speaks of.
func about(n *anomalyv1.Series) string {
	if strings.HasPrefix(n.GetName(), "edge.") {
		return n.GetLabels()["server"]
	}
	return n.GetLabels()["service"]
}
