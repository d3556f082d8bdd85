package expr

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"

	"github.com/triflow/triflow/pkg/otlp"
)

const (
	// MaxCost bounds the evaluation of one expression, in CEL's units, of which a comparison takes about one.
	MaxCost = 10_000
	// MaxText bounds the text of one, in bytes.
	MaxText = 4 << 10
	// maxRegexp bounds the program of a regular expression that comes with an item, in instructions.
	maxRegexp = 1000
)

// ErrCost is the error for an expression that was stopped at MaxCost.
var ErrCost = errors.New("expression costs too much")

// Env compiles expressions. Many goroutines may use it.
type Env struct {
	items     [3]*cel.Env // by signal
	resources *cel.Env
}

// NewEnv sets the language up.
func NewEnv() (*Env, error) {
	e := &Env{}
	var err error
	for s := range e.items {
		if e.items[s], err = newEnv(
			cel.Variable("item", cel.ObjectType(itemType(otlp.Signal(s)))),
			cel.Variable("attributes", attributesType),
			cel.Variable("scope", cel.ObjectType(scopeType)),
		); err != nil {
			return nil, err
		}
	}
	e.resources, err = newEnv()
	return e, err
}

func newEnv(variables ...cel.EnvOption) (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("set up expressions: %w", err)
	}
	env, err := cel.NewEnv(append(variables,
		cel.CustomTypeProvider(&provider{Registry: registry, members: members()}),
		cel.CustomTypeAdapter(registry),
		cel.Variable("resource", attributesType),
		cel.Variable("tenant", cel.StringType),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(MaxText),
		cel.ParserRecursionLimit(64),
		cel.RegexProgramSizeLimit(maxRegexp),
	)...)
	if err != nil {
		return nil, fmt.Errorf("set up expressions: %w", err)
	}
	return env, nil
}

// provider knows the types of item and scope beside those of CEL.
type provider struct {
	*types.Registry
	members map[string]map[string]member
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.members[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	fields, ok := p.members[name]
	if !ok {
		return p.Registry.FindStructFieldType(name, field)
	}
	m, ok := fields[field]
	if !ok {
		return nil, false
	}
	get := func(target any) ref.Val {
		if s, ok := target.(*scopeView); ok {
			return m.get((*Record)(s))
		}
		return m.get(target.(*Record))
	}
	return &types.FieldType{
		Type: m.of,
		IsSet: func(target any) bool {
			z, ok := get(target).(traits.Zeroer)
			return !ok || !z.IsZeroValue()
		},
		GetFrom: func(target any) (any, error) { return get(target), nil },
	}, true
}

// On is what an expression is evaluated on.
type On uint8

// What an expression may be evaluated on.
const (
	Items On = iota
	ResourcesOnly
)

// Program is a compiled expression.
type Program struct {
	program cel.Program
	fixed   int64 // steps of one evaluation, as far as they are known
	metered bool
}

// Condition compiles an expression of type bool.
func (e *Env) Condition(s otlp.Signal, on On, text string) (*Program, error) {
	return e.compile(s, on, text, cel.BoolType)
}

// Value compiles an expression whose value an attribute or a field can hold. If want is not nil its type must be that.
func (e *Env) Value(s otlp.Signal, on On, text string, want *cel.Type) (*Program, error) {
	return e.compile(s, on, text, want)
}

func (e *Env) compile(s otlp.Signal, on On, text string, want *cel.Type) (*Program, error) {
	if text == "" || len(text) > MaxText {
		return nil, fmt.Errorf("expression of %d bytes, want 1 to %d", len(text), MaxText)
	}
	env := e.items[s]
	if on == ResourcesOnly {
		env = e.resources
	}
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		first, _, _ := strings.Cut(issues.Errors()[0].Message, "\n")
		return nil, fmt.Errorf("%q: %s", text, first)
	}
	if out := tree.OutputType(); want != nil && !want.IsAssignableType(out) && !out.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("%q: type %s, want %s", text, out, want)
	}
	p := &Program{}
	ast.PreOrderVisit(tree.NativeRep().Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		p.fixed++
		p.metered = p.metered || x.Kind() == ast.ComprehensionKind
	}))
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if p.metered {
		options = append(options, cel.EvalOptions(cel.OptTrackCost), cel.CostLimit(MaxCost))
	}
	var err error
	if p.program, err = env.Program(tree, options...); err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return p, nil
}

// Eval gives the value for r, and the steps that it took. The error says what failed on this item; it is ErrCost where
// the expression was stopped.
func (p *Program) Eval(r *Record) (v ref.Val, steps int64, err error) {
	r.cost = p.fixed
	v, details, err := p.program.Eval(r)
	steps = r.cost
	if cost := details.ActualCost(); cost != nil {
		steps += int64(*cost)
	}
	var cancelled interpreter.EvalCancelledError
	if errors.As(err, &cancelled) {
		err = fmt.Errorf("%w: more than %d", ErrCost, MaxCost)
	}
	return v, steps, err
}

// Holds evaluates a condition. With an error it is false.
func (p *Program) Holds(r *Record) (holds bool, steps int64, err error) {
	v, steps, err := p.Eval(r)
	if err != nil {
		return false, steps, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, steps, fmt.Errorf("value of type %s, want bool", v.Type().TypeName())
	}
	return bool(b), steps, nil
}
