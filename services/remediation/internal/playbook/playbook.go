// Package playbook turns a cause into steps by rules that people write:
//
//	playbooks:
//	  - name: keep-all-traces-of-the-cause      # unique
//	    when: cause.confidence >= 0.5 && cause.kind in ["SLOW", "FAILING"]
//	    ties: false                             # true: also when another cause is as probable
//	    steps:
//	      - sampling_boost: {service: "${cause.service}", ratio: "1", for: 10m}
//	      - when: webhook_url != ""             # a step may have its own condition
//	        webhook: {url: "${webhook_url}", message: "${incident.title}"}
//
// Conditions are CEL (github.com/google/cel-spec) with a bound on cost; a value may hold CEL in ${…}. They see:
//
//	cause.service      string      cause.kind   string: SLOW, FAILING, SATURATED, CONTEXT_LOST, RETRY_STORM, TRAFFIC
//	cause.confidence   double      cause.explanation   string
//	incident.id        string      incident.title      string      incident.services   list of string
//	incident.start     timestamp   webhook_url         string, from the configuration
//
// The first playbook whose condition holds is used, in the order of the file, and no other: so what is done can be read
// from top to bottom. One with no steps does nothing, and is the way to switch off what comes below it. An unknown
// key, variable or field is an error when the file is read, not when the night's incident comes.
package playbook

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

// Default is the text of the playbooks that come with Triflow.
//
//go:embed default.yaml
var Default []byte

const (
	maxFile      = 1 << 20
	maxPlaybooks = 100
	maxSteps     = 10
)

// Cause is what a playbook sees of a cause.
type Cause struct {
	Service     string  `cel:"service"`
	Kind        string  `cel:"kind"`
	Confidence  float64 `cel:"confidence"`
	Explanation string  `cel:"explanation"`
}

// Incident is what a playbook sees of an incident.
type Incident struct {
	ID       string    `cel:"id"`
	Title    string    `cel:"title"`
	Services []string  `cel:"services"`
	Start    time.Time `cel:"start"`
}

// Facts is everything a playbook sees. Tied says that the cause has an equal.
type Facts struct {
	Cause      Cause
	Incident   Incident
	WebhookURL string
	Tied       bool
}

// Book is a list of playbooks, compiled. It may be used by many goroutines.
type Book struct {
	playbooks []*rule
}

type rule struct {
	name  string
	when  condition
	ties  bool
	steps []step
}

type step struct {
	when       condition
	kind       remediationv1.ActionKind
	parameters map[string]template
}

// The file as YAML has it.
type file struct {
	Playbooks []ruleYAML `yaml:"playbooks"`
}

type ruleYAML struct {
	Name  string     `yaml:"name"`
	When  string     `yaml:"when"`
	Ties  bool       `yaml:"ties"`
	Steps []stepYAML `yaml:"steps"`
}

type stepYAML struct {
	When          string       `yaml:"when"`
	SamplingBoost *boostYAML   `yaml:"sampling_boost"`
	Webhook       *webhookYAML `yaml:"webhook"`
}

type boostYAML struct {
	Service string `yaml:"service"`
	Ratio   string `yaml:"ratio"`
	For     string `yaml:"for"`
}

type webhookYAML struct {
	URL     string `yaml:"url"`
	Message string `yaml:"message"`
}

// Parse reads a file of playbooks; its errors name the line.
func Parse(text []byte) (*Book, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%d bytes, want at most %d", len(text), maxFile)
	}
	var f file
	var root yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("a second document, want one")
	}
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	if len(f.Playbooks) > maxPlaybooks {
		return nil, fmt.Errorf("%d playbooks, want at most %d", len(f.Playbooks), maxPlaybooks)
	}
	c, err := newCompiler(&root)
	if err != nil {
		return nil, err
	}
	book := &Book{}
	names := map[string]bool{}
	for i, y := range f.Playbooks {
		at := path{"playbooks", i}
		if names[y.Name] {
			c.fault(append(at, "name"), fmt.Errorf("%q again, want a name of its own", y.Name))
		}
		names[y.Name] = true
		book.playbooks = append(book.playbooks, c.rule(at, y))
	}
	return book, errors.Join(c.faults...)
}

// Over gives the playbooks of b and then those of below whose name b does not have.
func (b *Book) Over(below *Book) *Book {
	names := map[string]bool{}
	out := &Book{}
	for _, r := range b.playbooks {
		names[r.name] = true
		out.playbooks = append(out.playbooks, r)
	}
	for _, r := range below.playbooks {
		if !names[r.name] {
			out.playbooks = append(out.playbooks, r)
		}
	}
	return out
}

// Match gives the name and the steps of the first playbook whose condition holds; "" when there is none. An error, of
// the condition or of a step, names the playbook; it ends the search, for a rule that cannot be judged must not
// let a later one act in its place.
func (b *Book) Match(f Facts) (name string, steps []*remediationv1.Step, err error) {
	vars := f.variables()
	for _, r := range b.playbooks {
		if f.Tied && !r.ties {
			continue
		}
		holds, err := r.when.eval(vars)
		if err != nil {
			return "", nil, fmt.Errorf("playbook %s: when: %w", r.name, err)
		}
		if !holds {
			continue
		}
		steps, err := r.fill(vars)
		if err != nil {
			return "", nil, fmt.Errorf("playbook %s: %w", r.name, err)
		}
		return r.name, steps, nil
	}
	return "", nil, nil
}

// fill makes the steps whose condition holds.
func (r *rule) fill(vars map[string]any) ([]*remediationv1.Step, error) {
	var out []*remediationv1.Step
	for i, s := range r.steps {
		holds, err := s.when.eval(vars)
		if err != nil {
			return nil, fmt.Errorf("steps[%d].when: %w", i, err)
		}
		if !holds {
			continue
		}
		filled := &remediationv1.Step{Kind: s.kind, Parameters: map[string]string{}}
		for name, t := range s.parameters {
			value, err := t.eval(vars)
			if err != nil {
				return nil, fmt.Errorf("steps[%d].%s: %w", i, name, err)
			}
			filled.Parameters[name] = value
		}
		if err := check(s.kind, filled.Parameters); err != nil {
			return nil, fmt.Errorf("steps[%d].%w", i, err)
		}
		out = append(out, filled)
	}
	return out, nil
}
