package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// How much reading makes a step, so that a large item costs more than a small one.
const (
	pairsPerStep = 16
	bytesPerStep = 256
)

// Record is what an expression is evaluated on: an item, or a resource. The zero value is ready for Bind. One goroutine
// uses it.
type Record struct {
	raw      []byte
	kind     protowire.Number // of the metric that a point belongs to
	metric   *record.Group
	scope    []byte
	tenant   types.String
	cost     int64 // steps of the evaluation under way
	of, from Attributes
	scopes   Attributes
}

var _ cel.Activation = (*Record)(nil)

// Bind makes r a view of an item of b.
func (r *Record) Bind(b *record.Batch, it record.Item, tenant string) {
	r.BindResource(b, b.Ancestor(it, record.Resources), tenant)
	r.raw, r.scope = it.Raw, b.Levels[record.Scopes][b.Ancestor(it, record.Scopes)].Self
	if r.kind = b.Kind(it); r.kind != 0 {
		r.metric = &b.Levels[record.Metrics][it.Group]
	}
	r.of = Attributes{message: it.Raw, num: b.Shape(it).Attributes, of: r}
	r.scopes = Attributes{message: r.scope, num: record.GroupShape(record.Scopes).Attributes, of: r}
}

// BindResource makes r a view of a resource of b, without an item.
func (r *Record) BindResource(b *record.Batch, resource int32, tenant string) {
	self := b.Levels[record.Resources][resource].Self
	r.from = Attributes{message: self, num: record.GroupShape(record.Resources).Attributes, of: r}
	r.raw, r.metric, r.kind, r.scope = nil, nil, 0, nil
	if string(r.tenant) != tenant {
		r.tenant = types.String(tenant)
	}
}

// ResolveName gives the value of a variable.
func (r *Record) ResolveName(name string) (any, bool) {
	switch name {
	case "attributes":
		return &r.of, true
	case "resource":
		return &r.from, true
	case "item":
		return r, true
	case "scope":
		return (*scopeView)(r), true
	case "tenant":
		return r.tenant, true
	}
	return nil, false
}

// Parent is nil: there are no other variables.
func (r *Record) Parent() cel.Activation { return nil }

// scopeView is a Record as the variable scope.
type scopeView Record

// find gives the last field of a message with a number, as protobuf has it.
func find(message []byte, num protowire.Number) (f record.Field) {
	for c := record.Over(message); c.Next(); {
		if c.Num == num {
			f = c.Field
		}
	}
	return f
}

func (r *Record) text(num protowire.Number) types.String { return types.String(find(r.raw, num).Value) }

func (r *Record) number(num protowire.Number) uint64 { return find(r.raw, num).Bits }
