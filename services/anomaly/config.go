package anomaly

import (
	"errors"
	"fmt"
	"time"

	"github.com/triflow/triflow/services/anomaly/internal/detect"
)

// Config says how points are judged and how much is kept.
type Config struct {
	Threshold    float64       `name:"threshold" default:"6" help:"Evidence that opens an anomaly, in standard deviations, 3 to 100."`
	Window       int           `name:"window" default:"240" help:"Points of a baseline, 8 to 10000."`
	MinBaseline  int           `name:"min-baseline" default:"8" help:"Points before a series is judged, 5 to window."`
	Keep         int           `name:"keep" default:"720" help:"Points of a series kept to be shown, 10 to 100000."`
	StreamPoints int           `name:"stream-points" default:"60" help:"Points of an OTLP stream kept as they came, 10 to 10000; of 80 bytes each."`
	MaxSeries    int           `name:"max-series" default:"20000" help:"Series followed, and as many OTLP streams; points of further ones are ignored and counted. 1 to 1000000."`
	MaxAnomalies int           `name:"max-anomalies" default:"10000" help:"Anomalies kept; the oldest go first. 1 to 1000000."`
	Silence      time.Duration `name:"silence" default:"1m" help:"How long after its last point the anomaly of a silent series ends, 1s to 1h; at least three of its usual gaps."`
	Forget       time.Duration `name:"forget" default:"1h" help:"How long after its last point a series is dropped, silence to 168h."`
	Replay       time.Duration `name:"replay" default:"20m" help:"How far back a restart judges points again, so that it is not blind; 1m to 24h."`
	JournalBytes int64         `name:"journal-bytes" default:"67108864" help:"Bytes of points kept for a restart; the oldest go first. 1 MiB to 16 GiB."`
}

// Validate names every value that is out of its range.
func (c Config) Validate() error {
	return errors.Join(
		within("anomaly.threshold", c.Threshold, 3, 100),
		within("anomaly.window", c.Window, 8, 10_000),
		within("anomaly.min_baseline", c.MinBaseline, 5, max(c.Window, 5)),
		within("anomaly.keep", c.Keep, 10, 100_000),
		within("anomaly.stream_points", c.StreamPoints, 10, 10_000),
		within("anomaly.max_series", c.MaxSeries, 1, 1_000_000),
		within("anomaly.max_anomalies", c.MaxAnomalies, 1, 1_000_000),
		within("anomaly.silence", c.Silence, time.Second, time.Hour),
		within("anomaly.forget", c.Forget, max(c.Silence, time.Second), 168*time.Hour),
		within("anomaly.replay", c.Replay, time.Minute, 24*time.Hour),
		within("anomaly.journal_bytes", c.JournalBytes, 1<<20, 16<<30),
	)
}

func (c Config) options() detect.Options {
	return detect.Options{
		Threshold: c.Threshold, Window: c.Window, MinBaseline: c.MinBaseline, Keep: c.Keep,
		Guard: 2, Alpha: 0.1, Close: 3, Accept: 360,
	}
}

func within[T int | int64 | float64 | time.Duration](name string, v, low, high T) error {
	if !(v >= low && v <= high) { // also not NaN
		return fmt.Errorf("%s: %v, want %v to %v", name, v, low, high)
	}
	return nil
}
