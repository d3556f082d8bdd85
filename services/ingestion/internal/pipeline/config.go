package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/triflow/triflow/pkg/otlp"
)

// Bounds of a configuration.
const (
	maxText      = 1 << 20 // bytes
	maxPipelines = 64
	maxStages    = 64
	maxEntries   = 256 // in one list or map of a stage
	maxPattern   = 1 << 10
	maxKey       = 256
)

// Service is the destination that all telemetry goes to that is not routed elsewhere.
const Service = "service"

// toPipeline marks the name of a pipeline among those of destinations.
const toPipeline = "pipeline:"

// fileConfig is the text of a configuration.
type fileConfig struct {
	Pipelines []pipelineConfig `yaml:"pipelines"`
}

type pipelineConfig struct {
	Name   string        `yaml:"name"`
	Signal string        `yaml:"signal"`
	Match  *string       `yaml:"match"`
	Stages []stageConfig `yaml:"stages"`
	Limits limitsConfig  `yaml:"limits"`
}

// limitsConfig has nil for what is not given.
type limitsConfig struct {
	MaxHops  *int           `yaml:"max_hops"`
	MaxSteps *int64         `yaml:"max_steps"`
	Timeout  *time.Duration `yaml:"timeout"`
}

// stageConfig has one field that is set.
type stageConfig struct {
	Filter    *filterConfig    `yaml:"filter"`
	Mask      *maskConfig      `yaml:"mask"`
	Transform *transformConfig `yaml:"transform"`
	Aggregate *aggregateConfig `yaml:"aggregate"`
	Route     *routeConfig     `yaml:"route"`
}

type filterConfig struct {
	Drop *string `yaml:"drop"`
	Keep *string `yaml:"keep"`
}

type maskConfig struct {
	Keys     []string `yaml:"keys"`
	Patterns []string `yaml:"patterns"`
	Action   string   `yaml:"action"`
}

type transformConfig struct {
	When   *string           `yaml:"when"`
	Set    map[string]string `yaml:"set"`
	Delete []string          `yaml:"delete"`
	On     string            `yaml:"on"`
}

type aggregateConfig struct {
	When   *string        `yaml:"when"`
	Window *time.Duration `yaml:"window"`
	// Of metrics.
	Keep  []string `yaml:"keep"`
	Drop  []string `yaml:"drop"`
	Gauge string   `yaml:"gauge"`
	// Of logs.
	By    *string `yaml:"by"`
	Count string  `yaml:"count"`
}

type routeConfig struct {
	When *string  `yaml:"when"`
	To   []string `yaml:"to"`
}

// limits bound what one request may take of the pipelines that start with one.
type limits struct {
	hops    int32
	steps   int64
	timeout time.Duration
}

func (c limitsConfig) build(f *faults) limits {
	l := limits{hops: 16, steps: 1_000_000, timeout: time.Second}
	if c.MaxHops != nil {
		if *c.MaxHops < 1 || *c.MaxHops > maxPipelines {
			f.at("max_hops").add("%d, want 1 to %d", *c.MaxHops, maxPipelines)
		}
		l.hops = int32(*c.MaxHops)
	}
	if c.MaxSteps != nil {
		if *c.MaxSteps < 1 || *c.MaxSteps > 1e9 {
			f.at("max_steps").add("%d, want 1 to 1000000000", *c.MaxSteps)
		}
		l.steps = *c.MaxSteps
	}
	if c.Timeout != nil {
		if *c.Timeout < time.Millisecond || *c.Timeout > time.Minute {
			f.at("timeout").add("%s, want 1ms to 1m", *c.Timeout)
		}
		l.timeout = *c.Timeout
	}
	return l
}

// faults gathers what is wrong, each with the path to it.
type faults struct {
	path string
	all  *[]error
}

func (f *faults) at(format string, args ...any) *faults {
	path := fmt.Sprintf(format, args...)
	if f.path != "" && !strings.HasPrefix(path, "[") {
		path = "." + path
	}
	return &faults{f.path + path, f.all}
}

func (f *faults) add(format string, args ...any) {
	*f.all = append(*f.all, fmt.Errorf("%s: %w", f.path, fmt.Errorf(format, args...)))
}

// count refuses lists that are too long.
func (f *faults) count(n, limit int) bool {
	if n > limit {
		f.add("%d entries, want at most %d", n, limit)
	}
	return n <= limit
}

// decode reads the text of a configuration.
func decode(text []byte) (*fileConfig, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("pipelines: %d bytes, want at most %d", len(text), maxText)
	}
	c := &fileConfig{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	err := d.Decode(c)
	var faulty *yaml.TypeError
	switch {
	case errors.Is(err, io.EOF): // no pipelines
	case errors.As(err, &faulty):
		// What yaml says names types of Go; its reader knows the line and the field.
		inType := regexp.MustCompile(` (in|into) (type )?[*[\]]*pipeline\.\w+$`)
		var all []error
		for _, e := range faulty.Errors {
			all = append(all, fmt.Errorf("pipelines: %s", inType.ReplaceAllString(e, "")))
		}
		return nil, errors.Join(all...)
	case err != nil:
		return nil, fmt.Errorf("pipelines: %w", err)
	case !errors.Is(d.Decode(&yaml.Node{}), io.EOF):
		return nil, fmt.Errorf("pipelines: several documents, want one")
	}
	return c, nil
}

// signalOf gives the signal with a name.
func signalOf(name string) (otlp.Signal, bool) {
	for _, s := range []otlp.Signal{otlp.SignalTraces, otlp.SignalLogs, otlp.SignalMetrics} {
		if s.String() == name {
			return s, true
		}
	}
	return 0, false
}
