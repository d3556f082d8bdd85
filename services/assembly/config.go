package assembly

import (
	"errors"
	"fmt"
	"time"
)

// Config says how traces are put together and kept.
type Config struct {
	Quiet           time.Duration `name:"quiet" default:"6s" help:"How long a trace with a root must be quiet before it is decided, 100ms to 1m."`
	Deadline        time.Duration `name:"deadline" default:"30s" help:"How long after its first span a trace is decided in any case, quiet to 50s."`
	MaxTraceSpans   int           `name:"max-trace-spans" default:"100000" help:"Spans with which a trace is decided early, 1 to 10000000; what comes later follows the decision."`
	MaxTraceBytes   int64         `name:"max-trace-bytes" default:"67108864" help:"Bytes with which a trace is decided early, at least 4096."`
	MaxPendingBytes int64         `name:"max-pending-bytes" default:"268435456" help:"Memory for spans that are not decided, at least 1048576 bytes; beyond, ingestion has to wait."`
	Retention       time.Duration `name:"retention" default:"72h" help:"How long kept traces are stored, at least 1m."`
	MaxStoreBytes   int64         `name:"max-store-bytes" default:"21474836480" help:"Compressed bytes of kept traces, at least 1048576; beyond, the oldest go."`
	Step            time.Duration `name:"step" default:"5s" help:"Width of the steps in which requests are counted and passed to anomaly, 1s to 1m, a divisor of 1m."`
	SeriesGrace     time.Duration `name:"series-grace" default:"10s" help:"How long after the end of a step its series are passed on, 0s to 1m: late spans and undecided traces count until then."`
	MaxServices     int           `name:"max-services" default:"1000" help:"Services and dependencies counted, at least 1; what comes beyond counts as other."`
	MaxOperations   int           `name:"max-operations" default:"500" help:"Operations counted of a service, 1 to 500; what comes beyond counts as other."`
	MaxEdges        int           `name:"max-edges" default:"10000" help:"Edges counted, at least 1; what comes beyond counts as other."`
}

// Validate gives every fault of c at once; nil without one.
func (c Config) Validate() error {
	var faults []error
	check := func(ok bool, field string, got any, want string) {
		if !ok {
			faults = append(faults, fmt.Errorf("assembly.%s: %v, want %s", field, got, want))
		}
	}
	check(c.Quiet >= 100*time.Millisecond && c.Quiet <= time.Minute, "quiet", c.Quiet, "100ms to 1m")
	check(c.Deadline >= c.Quiet && c.Deadline <= 50*time.Second, "deadline", c.Deadline, "assembly.quiet to 50s")
	check(c.MaxTraceSpans >= 1 && c.MaxTraceSpans <= 10_000_000, "max_trace_spans", c.MaxTraceSpans, "1 to 10000000")
	check(c.MaxTraceBytes >= 4096, "max_trace_bytes", c.MaxTraceBytes, "at least 4096")
	check(c.MaxPendingBytes >= 1<<20, "max_pending_bytes", c.MaxPendingBytes, "at least 1048576")
	check(c.Retention >= time.Minute, "retention", c.Retention, "at least 1m")
	check(c.MaxStoreBytes >= 1<<20, "max_store_bytes", c.MaxStoreBytes, "at least 1048576")
	check(c.Step >= time.Second && c.Step <= time.Minute && time.Minute%c.Step == 0, "step", c.Step, "1s to 1m, a divisor of 1m")
	check(c.SeriesGrace >= 0 && c.SeriesGrace <= time.Minute, "series_grace", c.SeriesGrace, "0s to 1m")
	check(c.MaxServices >= 1, "max_services", c.MaxServices, "at least 1")
	check(c.MaxOperations >= 1 && c.MaxOperations <= 500, "max_operations", c.MaxOperations, "1 to 500")
	check(c.MaxEdges >= 1, "max_edges", c.MaxEdges, "at least 1")
	return errors.Join(faults...)
}
