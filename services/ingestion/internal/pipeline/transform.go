package pipeline

import (
	"maps"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// transform sets and deletes attributes of items, or of their resources. All values are those before the stage. One that
// cannot be computed, as from an attribute that is absent, is not set.
type transform struct {
	when    *expr.Program // nil is always
	on      expr.On
	set     []assignment
	deleted map[string]struct{}
}

type assignment struct {
	key   string
	value *expr.Program
}

func (c *compiler) transform(s otlp.Signal, from *transformConfig, f *faults) operation {
	t := &transform{deleted: map[string]struct{}{}}
	switch from.On {
	case "", "item":
	case "resource":
		t.on = expr.ResourcesOnly
	default:
		f.at("on").add("%q, want item or resource", from.On)
	}
	t.when = c.condition(s, t.on, from.When, f.at("when"))
	if len(from.Set)+len(from.Delete) == 0 {
		f.add("neither set nor delete, want at least one")
	}
	if !f.at("set").count(len(from.Set), maxEntries) || !f.at("delete").count(len(from.Delete), maxEntries) {
		return t
	}
	for i, key := range from.Delete {
		checkKey(key, f.at("delete[%d]", i))
		t.deleted[key] = struct{}{}
	}
	for _, key := range slices.Sorted(maps.Keys(from.Set)) {
		at := f.at("set[%q]", key)
		checkKey(key, at)
		if _, both := t.deleted[key]; both {
			at.add("is deleted too, want one of the two")
		}
		value, err := c.env.Value(s, t.on, from.Set[key], nil)
		if err != nil {
			at.add("%w", err)
		}
		t.set = append(t.set, assignment{key, value})
	}
	return t
}

func checkKey(key string, f *faults) {
	if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
		f.add("%d bytes, want 1 to %d of UTF-8", len(key), maxKey)
	}
}

func (t *transform) do(r *run, e *entry) outcome {
	if t.on == expr.ResourcesOnly {
		group, ok := r.regroup(r.batch.Depth()-1, e.Group, t)
		if !ok {
			return over
		}
		e.edited = e.edited || group != e.Group
		e.Group = group
		return stays
	}
	r.bind(e)
	raw, changed, ok := t.attributes(r, e.Raw, r.batch.Shape(e.Item).Attributes)
	if !ok {
		return over
	}
	e.Raw, e.edited = raw, e.edited || changed
	return stays
}

// edit edits a resource.
func (t *transform) edit(r *run, level int, at int32, g *record.Group) (changed, ok bool) {
	if level != record.Resources {
		return false, true
	}
	r.view.BindResource(&r.batch, at, r.in.Tenant)
	g.Self, changed, ok = t.attributes(r, g.Self, record.GroupShape(level).Attributes)
	return changed, ok
}

// attributes edits those in the field num of what is bound.
func (t *transform) attributes(r *run, message []byte, num protowire.Number) (edited []byte, changed, ok bool) {
	if t.when != nil {
		if holds, ok := r.holds(t.when); !holds || !ok {
			return message, false, ok
		}
	}
	values, ok := t.values(r)
	if !ok {
		return message, false, false
	}
	s := record.Splice{Message: message}
	for c := record.Over(message); c.Next(); {
		if !c.Is(num) {
			continue
		}
		name, _ := record.Pair(c.Value)
		if _, gone := t.deleted[string(name)]; gone {
			s.Remove(&c.Field)
			continue
		}
		i := slices.IndexFunc(t.set, func(a assignment) bool { return a.key == string(name) })
		if i < 0 || values[i].pair == nil {
			continue
		}
		if values[i].written {
			s.Remove(&c.Field)
			continue
		}
		values[i].written = true
		s.Replace(&c.Field, values[i].pair)
	}
	for i := range values {
		if values[i].pair != nil && !values[i].written {
			return appendMissing(s.End(), num, values), true, true
		}
	}
	edited, changed = s.Result()
	return edited, changed, true
}

// value is that of an assignment as a KeyValue; nil if there is none.
type value struct {
	pair    []byte
	written bool
}

func (t *transform) values(r *run) (values []value, ok bool) {
	values = make([]value, len(t.set))
	for i := range t.set {
		v, steps, err := t.set[i].value.Eval(&r.view)
		var encoded []byte
		if err == nil {
			encoded, err = expr.Encode(v)
		}
		if !r.judge(steps+int64(len(encoded)/textPerStep), err) {
			return nil, false
		}
		if err == nil {
			values[i].pair = record.AppendPair(nil, t.set[i].key, encoded)
		}
	}
	return values, true
}

func appendMissing(dst []byte, num protowire.Number, values []value) []byte {
	for i := range values {
		if values[i].pair != nil && !values[i].written {
			dst = record.AppendBytes(dst, num, values[i].pair)
		}
	}
	return dst
}
