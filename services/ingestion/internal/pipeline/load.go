package pipeline

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
)

// Set is all pipelines of a configuration, ready to run. Many goroutines may use it.
type Set struct {
	// pipelines are in an order in which none is before one that leads to it.
	pipelines    []*pipeline
	bySignal     [3][]*pipeline // in the order of the configuration
	destinations []string       // Service, and those that were given
	// received and unmatched count items by signal: all, and those that no pipeline took.
	received, unmatched [3]count
	runs                sync.Pool // of *run
}

// pipeline is a compiled one.
type pipeline struct {
	name   string
	signal otlp.Signal
	match  *expr.Program // nil takes all
	stages []*stage
	limits limits
	index  int32 // in Set.pipelines

	taken count // items, by match
}

// stage is an operation with its counters.
type stage struct {
	kind string
	op   operation
	// masked tells that a mask lies here, or on a way from here.
	masked bool
	// in, next, dropped, joined and over count items: that came, that went on in the pipeline, that were dropped by the
	// stage or over the bounds, that became part of another, and that left for Service because they were over the bounds.
	in, next, dropped, joined, over count
}

// operation is what a stage does to one item. It may change e, and charges r for its work.
type operation interface {
	do(r *run, e *entry) outcome
}

// outcome is what becomes of an item in a stage.
type outcome uint8

const (
	stays  outcome = iota // in the pipeline
	drops                 // is dropped
	joins                 // became part of another
	leaves                // went elsewhere
	over                  // the bounds
)

// compiler turns a configuration into a Set.
type compiler struct {
	env    *expr.Env
	set    *Set
	byName map[string]*pipeline
}

// Load compiles a configuration in YAML; destinations are the names that routes may lead to beside Service. The error
// has every fault, each with its path.
func Load(text []byte, destinations []string) (*Set, error) {
	file, err := decode(text)
	if err != nil {
		return nil, err
	}
	env, err := expr.NewEnv()
	if err != nil {
		return nil, err
	}
	c := &compiler{env: env, set: &Set{destinations: []string{Service}}, byName: map[string]*pipeline{}}
	for _, d := range destinations {
		if !slices.Contains(c.set.destinations, d) {
			c.set.destinations = append(c.set.destinations, d)
		}
	}
	var all []error
	f := (&faults{all: &all}).at("pipelines")
	if !f.count(len(file.Pipelines), maxPipelines) {
		return nil, errors.Join(all...)
	}
	pipelines := c.declare(file, f)
	for i := range file.Pipelines {
		c.pipeline(pipelines[i], &file.Pipelines[i], f.at("[%d]", i))
	}
	c.arrange(pipelines, f)
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	c.set.runs.New = func() any { return newRun(c.set) }
	return c.set, nil
}

// declare makes the pipelines known by name, so that routes can name what stands below.
func (c *compiler) declare(file *fileConfig, f *faults) []*pipeline {
	valid := regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	pipelines := make([]*pipeline, len(file.Pipelines))
	for i := range file.Pipelines {
		from := &file.Pipelines[i]
		at := f.at("[%d]", i)
		p := &pipeline{name: from.Name}
		pipelines[i] = p
		var known bool
		if p.signal, known = signalOf(from.Signal); !known {
			at.at("signal").add("%q, want traces, logs or metrics", from.Signal)
		}
		switch {
		case !valid.MatchString(from.Name):
			at.at("name").add("%q, want 1 to 64 of a-z, 0-9 and -", from.Name)
		case c.byName[from.Name] != nil:
			at.at("name").add("%q is another pipeline, want a name of its own", from.Name)
		default:
			c.byName[from.Name] = p
		}
		c.set.bySignal[p.signal] = append(c.set.bySignal[p.signal], p)
	}
	return pipelines
}

func (c *compiler) pipeline(p *pipeline, from *pipelineConfig, f *faults) {
	p.match = c.condition(p.signal, expr.Items, from.Match, f.at("match"))
	p.limits = from.Limits.build(f.at("limits"))
	if len(from.Stages) == 0 {
		f.at("stages").add("none, want 1 to %d", maxStages)
	}
	if !f.at("stages").count(len(from.Stages), maxStages) {
		return
	}
	for i := range from.Stages {
		at := f.at("stages[%d]", i)
		s := c.stage(p.signal, &from.Stages[i], at)
		if to, ok := s.op.(*route); ok && to.when == nil && i < len(from.Stages)-1 {
			at.at("route.when").add("none, so nothing comes to the stages behind, want a condition or the last place")
		}
		p.stages = append(p.stages, s)
	}
}

func (c *compiler) stage(s otlp.Signal, from *stageConfig, f *faults) *stage {
	var made []*stage
	if from.Filter != nil {
		made = append(made, &stage{kind: "filter", op: c.filter(s, from.Filter, f.at("filter"))})
	}
	if from.Mask != nil {
		made = append(made, &stage{kind: "mask", op: c.mask(from.Mask, f.at("mask"))})
	}
	if from.Transform != nil {
		made = append(made, &stage{kind: "transform", op: c.transform(s, from.Transform, f.at("transform"))})
	}
	if from.Aggregate != nil {
		made = append(made, &stage{kind: "aggregate", op: c.aggregate(s, from.Aggregate, f.at("aggregate"))})
	}
	if from.Route != nil {
		made = append(made, &stage{kind: "route", op: c.route(s, from.Route, f.at("route"))})
	}
	if len(made) != 1 {
		f.add("%d operations, want one of filter, mask, transform, aggregate and route", len(made))
		return &stage{}
	}
	return made[0]
}

// condition compiles a condition that may be absent; it is nil then.
func (c *compiler) condition(s otlp.Signal, on expr.On, text *string, f *faults) *expr.Program {
	if text == nil {
		return nil
	}
	p, err := c.env.Condition(s, on, *text)
	if err != nil {
		f.add("%w", err)
	}
	return p
}

// arrange puts the pipelines in an order along the routes, and finds out from where a mask is ahead.
func (c *compiler) arrange(pipelines []*pipeline, f *faults) {
	const (
		unseen = iota
		open
		done
	)
	state := map[*pipeline]int{}
	var way []string
	var visit func(p *pipeline) bool
	visit = func(p *pipeline) bool {
		if state[p] == done {
			return true
		}
		way = append(way, p.name)
		defer func() { way = way[:len(way)-1] }()
		if state[p] == open {
			f.add("cycle %s, want none", strings.Join(way[slices.Index(way, p.name):], " -> "))
			return false
		}
		state[p] = open
		masked := false
		for _, s := range slices.Backward(p.stages) {
			for _, next := range s.pipelines() {
				if !visit(next) {
					return false
				}
				masked = masked || len(next.stages) > 0 && next.stages[0].masked
			}
			masked = masked || s.kind == "mask"
			s.masked = masked
		}
		state[p] = done
		c.set.pipelines = append(c.set.pipelines, p)
		return true
	}
	for _, p := range pipelines {
		if state[p] == unseen && !visit(p) {
			return
		}
	}
	slices.Reverse(c.set.pipelines)
	for i, p := range c.set.pipelines {
		p.index = int32(i)
	}
}

// pipelines gives those that the stage leads to.
func (s *stage) pipelines() (to []*pipeline) {
	if r, ok := s.op.(*route); ok {
		for i := range r.to {
			if r.to[i].pipeline != nil {
				to = append(to, r.to[i].pipeline)
			}
		}
	}
	return to
}
