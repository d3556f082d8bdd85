package diagnosis

import (
	"errors"
	"fmt"
	"time"
)

// Config says when anomalies make an incident and how its causes are weighed.
type Config struct {
	Poll         time.Duration `name:"poll" default:"1s" help:"Interval of looking at anomalies, 100ms to 1m."`
	Graph        time.Duration `name:"graph" default:"10s" help:"Interval of reading the graph, 1s to 5m."`
	Threshold    float64       `name:"threshold" default:"6" help:"Least score of an anomaly that counts as trouble, 1 to 100."`
	Evidence     float64       `name:"evidence" default:"15" help:"Least sum of the scores of two or more troubles that make an incident, threshold to 1000."`
	Strong       float64       `name:"strong" default:"10" help:"Least score of one trouble that makes an incident alone, threshold to 1000."`
	Sustain      time.Duration `name:"sustain" default:"30s" help:"How long a trouble that stands alone must last, 0s to 10m."`
	Window       time.Duration `name:"window" default:"2m" help:"How far apart troubles of one incident may begin, 1s to 1h."`
	Quiet        time.Duration `name:"quiet" default:"1m" help:"How long without an open trouble until an incident is over, 1s to 1h."`
	Causes       int           `name:"causes" default:"5" help:"Causes named for an incident, 1 to 50."`
	MaxIncidents int           `name:"max-incidents" default:"1000" help:"Incidents kept; the oldest go first. 10 to 1000000."`
}

// Validate names every value that is out of its range.
func (c Config) Validate() error {
	return errors.Join(
		within("diagnosis.poll", c.Poll, 100*time.Millisecond, time.Minute),
		within("diagnosis.graph", c.Graph, time.Second, 5*time.Minute),
		within("diagnosis.threshold", c.Threshold, 1, 100),
		within("diagnosis.evidence", c.Evidence, c.Threshold, 1000),
		within("diagnosis.strong", c.Strong, c.Threshold, 1000),
		within("diagnosis.sustain", c.Sustain, 0, 10*time.Minute),
		within("diagnosis.window", c.Window, time.Second, time.Hour),
		within("diagnosis.quiet", c.Quiet, time.Second, time.Hour),
		within("diagnosis.causes", c.Causes, 1, 50),
		within("diagnosis.max_incidents", c.MaxIncidents, 10, 1_000_000),
	)
}

func within[T int | float64 | time.Duration](name string, v, low, high T) error {
	if !(v >= low && v <= high) { // also not NaN
		return fmt.Errorf("%s: %v, want %v to %v", name, v, low, high)
	}
	return nil
}
