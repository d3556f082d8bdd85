package anomaly

import (
	"context"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	"github.com/triflow/triflow/services/anomaly/internal/detect"
)

// maxAhead is how far a point of OTLP may lie behind its arrival; a clock further ahead would make all later points late.
const maxAhead = time.Minute

// input is what came in one call: points of Triflow's own series, or OTLP metrics.
type input struct {
	received time.Time
	points   []*anomalyv1.Point
	metrics  *collectorv1.ExportMetricsServiceRequest
}

// verdicts says what became of an input.
type verdicts struct {
	taken, ignored int
	changed        []*anomalyv1.Anomaly
}

// tracked is a series with its anomaly.
type tracked struct {
	name *anomalyv1.Series
	data *detect.Series
	id   string // of the latest anomaly
}

// take judges in, notes it in the journal and stores what changed. A journal that fails costs the past after a restart,
// not the judgement now.
func (s *Service) take(ctx context.Context, in input) (v verdicts, err error) {
	err = s.change(ctx, func() []*anomalyv1.Anomaly {
		if v = s.judge(in); v.taken > 0 {
			if err := s.journal.append(ctx, in); err != nil {
				s.metrics.unnoted.Add(ctx, int64(v.taken))
				s.deps.Log.Error("points not noted for a restart", "points", v.taken, "error", err)
			}
		}
		return v.changed
	})
	s.metrics.taken.Add(ctx, int64(v.taken))
	s.metrics.ignored.Add(ctx, int64(v.ignored))
	return v, err
}

// judge gives the points to their series. It depends on nothing but the inputs so far, so that a replay of the journal
// ends in the same state.
func (s *Service) judge(in input) (v verdicts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range in.points {
		at := detect.Point{At: p.GetTime().AsTime().UnixNano(), Value: p.GetValue(), Weight: p.GetWeight()}
		v.count(s.add(&v, p.GetSeries(), detect.KindOf(p.GetSeries().GetName()), at))
	}
	readings, noted, ignored := s.meter.Read(in.metrics, in.received.Add(maxAhead).UnixNano())
	v.taken += noted
	v.ignored += ignored
	for _, r := range readings {
		name := &anomalyv1.Series{Name: r.Name, Labels: r.Labels}
		v.count(s.add(&v, name, r.Kind, detect.Point{At: r.At, Value: r.Value, Weight: r.Weight}))
	}
	return v
}

func (v *verdicts) count(taken bool) {
	if taken {
		v.taken++
	} else {
		v.ignored++
	}
}

// add gives one point to its series; mu is held. A pause as long as a silence ends the anomaly, as sweep would.
func (s *Service) add(v *verdicts, name *anomalyv1.Series, k detect.Kind, p detect.Point) (taken bool) {
	t := s.follow(name, k, p)
	if t == nil {
		return false
	}
	if s.silent(t, p.At) {
		v.changed = t.silence(v.changed)
	}
	result, change, a := t.data.Add(p)
	if change == detect.Opened {
		// The id is made of the start and the series, so that a replay gives the same one.
		t.id = id.New(time.Unix(0, a.Start), uint32(xxhash.Sum64(t.key())))
	}
	if change != detect.None {
		v.changed = append(v.changed, t.message(a))
	}
	return result == detect.Taken
}

// follow gives the series, made if there is room; else nil. mu is held.
func (s *Service) follow(name *anomalyv1.Series, k detect.Kind, p detect.Point) *tracked {
	t := &tracked{name: name}
	key := string(t.key())
	if known := s.series[key]; known != nil {
		return known
	}
	if len(s.series) >= s.cfg.MaxSeries {
		return nil
	}
	service := about(name)
	if _, ok := s.seen[service]; !ok {
		s.seen[service] = p.At
	}
	t.data = detect.New(k, s.cfg.options())
	if bornBad(name) {
		t.data.Quiet(s.seen[service], p)
	}
	s.series[key] = t
	return t
}

// bornBad tells whether the series exists only since something bad was logged, so that its past is one of zeros and
// not unknown. A new line that is no complaint is no news.
func bornBad(n *anomalyv1.Series) bool {
	severity := n.GetLabels()["severity"]
	return n.GetName() == "log.template.rate" && (severity == "error" || severity == "warn")
}

// key is the same for equal names only.
func (t *tracked) key() []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(t.name)
	if err != nil { // text that is no UTF-8, which nobody can send
		return []byte(t.name.GetName())
	}
	return b
}

// silent tells whether the series has been so for long at the time, in Unix ns: for Config.Silence, and beyond what is
// usual for a series with rare points.
func (s *Service) silent(t *tracked, at int64) bool {
	return at >= max(t.data.LastAt()+int64(s.cfg.Silence), t.data.Due())
}

// silence ends the open anomaly, if there is one, at the last point.
func (t *tracked) silence(changed []*anomalyv1.Anomaly) []*anomalyv1.Anomaly {
	if change, a := t.data.Silence(t.data.LastAt()); change != detect.None {
		return append(changed, t.message(a))
	}
	return changed
}

func (t *tracked) message(a detect.Anomaly) *anomalyv1.Anomaly {
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
