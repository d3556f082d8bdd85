package pipeline

import (
	"regexp"
	"strings"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// mask takes secrets out of attributes, log bodies, names and status messages: of the item, of what is nested in it as
// events, links and exemplars, and of its metric, scope and resource.
type mask struct {
	keys
	patterns []pattern
	any      *regexp.Regexp // all patterns as one, to replace in one walk; nil is none
	remove   bool           // else what is masked becomes hidden
}

// hidden stands for what is masked.
const hidden = "***"

// hiddenValue is hidden as an AnyValue.
func hiddenValue() []byte { return record.AppendBytes(nil, record.ValueString, []byte(hidden)) }

func (c *compiler) mask(from *maskConfig, f *faults) operation {
	m := &mask{keys: newKeys(from.Keys, f.at("keys")), remove: from.Action == "drop"}
	if from.Action != "" && from.Action != "redact" && from.Action != "drop" {
		f.at("action").add("%q, want redact or drop", from.Action)
	}
	if len(from.Keys)+len(from.Patterns) == 0 {
		f.add("neither keys nor patterns, want at least one")
	}
	if f.at("patterns").count(len(from.Patterns), maxEntries) {
		m.compile(from.Patterns, f.at("patterns"))
	}
	return m
}

// compile compiles the patterns, each alone and all as one.
func (m *mask) compile(patterns []string, f *faults) {
	before := len(*f.all)
	for i, text := range patterns {
		p, err := newPattern(text)
		switch {
		case len(text) > maxPattern:
			f.at("[%d]", i).add("%d bytes, want at most %d", len(text), maxPattern)
		case err != nil:
			f.at("[%d]", i).add("%w", err)
		case p.re.MatchString("") || p.re.MatchString(hidden):
			// What is masked would have to be masked again.
			f.at("[%d]", i).add("matches %q, or text that is empty, want one that does not", hidden)
		}
		m.patterns = append(m.patterns, p)
	}
	if len(*f.all) > before || len(patterns) == 0 {
		return
	}
	var err error
	if m.any, err = regexp.Compile("(?:" + strings.Join(patterns, ")|(?:") + ")"); err != nil {
		f.add("%w", err)
	}
}

func (m *mask) do(r *run, e *entry) outcome {
	group, ok := r.regroup(r.batch.Depth()-1, e.Group, m)
	if !ok {
		return over
	}
	w := walker{mask: m, path: r.path}
	raw, _ := w.message(r.batch.Shape(e.Item), e.Raw)
	if r.path = w.path[:0]; w.bad || !r.pay(w.steps()) {
		return over
	}
	e.Raw, e.Group = raw, group
	// Also without a change: what belongs to no item, as a resource that is empty, was not masked and must not go on.
	e.edited = true
	return stays
}

// edit masks a group.
func (m *mask) edit(r *run, level int, _ int32, g *record.Group) (changed, ok bool) {
	w := walker{mask: m, path: r.path}
	what := &g.Self
	if level == record.Metrics {
		what = &g.Rest
	}
	*what, changed = w.message(record.GroupShape(level), *what)
	r.path = w.path[:0]
	return changed, !w.bad && r.pay(w.steps())
}
