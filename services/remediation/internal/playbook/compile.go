package playbook

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"go.yaml.in/yaml/v3"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

const (
	// maxCost bounds the evaluation of one expression, in CEL's units (about one for a comparison).
	maxCost = 100_000
	// maxExpression bounds the text of one, in bytes.
	maxExpression = 4 << 10
	// maxValue bounds a filled-in value, in bytes.
	maxValue = 4 << 10
)

// condition is a compiled expression of type bool; the zero value holds always.
type condition struct{ program cel.Program }

// template is text with expressions in it.
type template []part

// part is literal text, or an expression when program is set.
type part struct {
	text    string
	program cel.Program
}

func (f Facts) variables() map[string]any {
	return map[string]any{"cause": f.Cause, "incident": f.Incident, "webhook_url": f.WebhookURL}
}

func (c condition) eval(vars map[string]any) (bool, error) {
	if c.program == nil {
		return true, nil
	}
	v, _, err := c.program.Eval(vars)
	if err != nil {
		return false, err
	}
	return v == types.True, nil
}

func (t template) eval(vars map[string]any) (string, error) {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
		if p.program == nil {
			continue
		}
		v, _, err := p.program.Eval(vars)
		if err != nil {
			return "", err
		}
		s, ok := asString(v)
		if !ok {
			return "", fmt.Errorf("value of type %s, want text", v.Type().TypeName())
		}
		if b.WriteString(s); b.Len() > maxValue {
			return "", fmt.Errorf("more than %d bytes", maxValue)
		}
	}
	return b.String(), nil
}

func asString(v ref.Val) (string, bool) {
	s, ok := v.ConvertToType(types.StringType).(types.String)
	return string(s), ok
}

// path leads to a node of the file: keys and indexes.
type path []any

// compiler compiles a file and gathers its faults.
type compiler struct {
	root   *yaml.Node
	env    *cel.Env
	faults []error
}

func newCompiler(root *yaml.Node) (*compiler, error) {
	cause, incident := reflect.TypeFor[Cause](), reflect.TypeFor[Incident]()
	env, err := cel.NewEnv(
		ext.NativeTypes(cause, incident, ext.ParseStructTags(true)),
		cel.Variable("cause", cel.ObjectType(cause.String())),
		cel.Variable("incident", cel.ObjectType(incident.String())),
		cel.Variable("webhook_url", cel.StringType),
		ext.Strings(),
	)
	if err != nil {
		return nil, fmt.Errorf("set up conditions: %w", err)
	}
	return &compiler{root: root, env: env}, nil
}

func (c *compiler) rule(at path, y ruleYAML) *rule {
	r := &rule{name: y.Name, ties: y.Ties}
	if y.Name == "" || len(y.Name) > 64 {
		c.fault(at, fmt.Errorf("name of %d bytes, want 1 to 64", len(y.Name)))
	}
	if y.When == "" {
		c.fault(at, errors.New(`no when, want a condition ("true" for always)`))
	}
	r.when = c.condition(at.to("when"), y.When)
	if len(y.Steps) > maxSteps {
		c.fault(at, fmt.Errorf("%d steps, want at most %d", len(y.Steps), maxSteps))
	}
	for i, s := range y.Steps {
		r.steps = append(r.steps, c.step(at.to("steps").to(i), s))
	}
	return r
}

func (c *compiler) step(at path, y stepYAML) step {
	s := step{when: c.condition(at.to("when"), y.When)}
	switch {
	case (y.SamplingBoost == nil) == (y.Webhook == nil):
		c.fault(at, errors.New("want one of sampling_boost and webhook"))
	case y.SamplingBoost != nil:
		s.kind = remediationv1.ActionKind_ACTION_KIND_SAMPLING_BOOST
		b := *y.SamplingBoost
		s.parameters = c.templates(at.to("sampling_boost"), map[string]string{"service": b.Service, "ratio": b.Ratio, "for": b.For})
		c.checkFixed(at.to("sampling_boost"), s)
	default:
		s.kind = remediationv1.ActionKind_ACTION_KIND_WEBHOOK
		s.parameters = c.templates(at.to("webhook"), map[string]string{"url": y.Webhook.URL, "message": y.Webhook.Message})
		c.checkFixed(at.to("webhook"), s)
	}
	return s
}

// checkFixed checks the values that hold no expression now; the others can only be checked when they are filled in.
func (c *compiler) checkFixed(at path, s step) {
	for name, t := range s.parameters {
		if fixed, ok := t.fixed(); ok {
			if err := checkValue(s.kind, name, fixed); err != nil {
				c.fault(at.to(name), err)
			}
		}
	}
}

func (t template) fixed() (string, bool) {
	text := ""
	for _, p := range t {
		if p.program != nil {
			return "", false
		}
		text += p.text
	}
	return text, true
}

func (c *compiler) condition(at path, text string) condition {
	if text == "" {
		return condition{}
	}
	program, out, err := c.compile(text)
	if err == nil && !out.IsExactType(cel.BoolType) {
		err = fmt.Errorf("%q is of type %s, want bool", text, out)
	}
	c.fault(at, err)
	return condition{program}
}

func (c *compiler) templates(at path, values map[string]string) map[string]template {
	out := map[string]template{}
	for name, text := range values {
		t, err := c.template(text)
		c.fault(at.to(name), err)
		out[name] = t
	}
	return out
}

// template cuts text at its ${…}. There is no way to write a brace inside an expression but in a string.
func (c *compiler) template(text string) (template, error) {
	var out template
	for {
		before, rest, found := strings.Cut(text, "${")
		out = append(out, part{text: before})
		if !found {
			return out, nil
		}
		expression, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q, want a } after ${", text)
		}
		program, kind, err := c.compile(expression)
		if err != nil {
			return nil, err
		}
		switch kind.Kind() {
		case types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.BoolKind, types.TimestampKind:
		default:
			return nil, fmt.Errorf("%q is of type %s, want text or a number", expression, kind)
		}
		out = append(out, part{program: program})
		text = after
	}
}

func (c *compiler) compile(text string) (cel.Program, *cel.Type, error) {
	if len(text) > maxExpression {
		return nil, nil, fmt.Errorf("expression of %d bytes, want at most %d", len(text), maxExpression)
	}
	ast, issues := c.env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, nil, fmt.Errorf("%q: column %d: %s", text, first.Location.Column()+1, first.Message)
	}
	program, err := c.env.Program(ast, cel.CostLimit(maxCost))
	if err != nil {
		return nil, nil, fmt.Errorf("%q: %w", text, err)
	}
	return program, ast.OutputType(), nil
}

// fault notes err with the line and the path it is about; nil is no fault.
func (c *compiler) fault(at path, err error) {
	if err != nil {
		c.faults = append(c.faults, fmt.Errorf("line %d: %s: %w", c.line(at), at, err))
	}
}

// line gives the line of the deepest node there is on the way to at.
func (c *compiler) line(at path) int {
	node := c.root
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	for _, p := range at {
		next := child(node, p)
		if next == nil {
			break
		}
		node = next
	}
	return node.Line
}

func child(node *yaml.Node, p any) *yaml.Node {
	switch key := p.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && key < len(node.Content) {
			return node.Content[key]
		}
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

func (p path) to(next any) path { return append(p[:len(p):len(p)], next) }

func (p path) String() string {
	text := ""
	for _, e := range p {
		switch e := e.(type) {
		case int:
			text += fmt.Sprintf("[%d]", e)
		case string:
			text += "." + e
		}
	}
	return strings.TrimPrefix(text, ".")
}
