package expr

import (
	"fmt"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// Attributes is the map that the KeyValues in a field of a message are to CEL. Of several with one key the first
// counts. It is a view: a look-up walks the message.
type Attributes struct {
	message []byte
	num     protowire.Number
	of      *Record // which is charged
}

var _ traits.Mapper = (*Attributes)(nil)

// pairs calls f with each key and AnyValue until it is false.
func (a *Attributes) pairs(f func(key, value []byte) bool) {
	n := 0
	for c := record.Over(a.message); c.Next(); {
		if !c.Is(a.num) {
			continue
		}
		n++
		if k, v := record.Pair(c.Value); !f(k, v) {
			break
		}
	}
	a.of.cost += int64(n / pairsPerStep)
}

// Find gives the value with a key.
func (a *Attributes) Find(key ref.Val) (found ref.Val, ok bool) {
	k, isText := key.(types.String)
	if !isText {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	a.pairs(func(name, raw []byte) bool {
		if ok = string(name) == string(k); ok {
			found = value(raw, a.of)
		}
		return !ok
	})
	return found, ok
}

// Get gives the value with a key, or an error.
func (a *Attributes) Get(key ref.Val) ref.Val {
	v, ok := a.Find(key)
	switch {
	case ok:
		return v
	case v != nil:
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains tells whether there is a key.
func (a *Attributes) Contains(key ref.Val) ref.Val {
	v, ok := a.Find(key)
	if !ok && v != nil {
		return v
	}
	return types.Bool(ok)
}

// Size counts the keys.
func (a *Attributes) Size() ref.Val { return types.Int(len(a.keys())) }

func (a *Attributes) keys() (keys []string) {
	seen := map[string]bool{}
	a.pairs(func(k, _ []byte) bool {
		if !seen[string(k)] {
			seen[string(k)] = true
			keys = append(keys, string(k))
		}
		return true
	})
	return keys
}

// Iterator goes over the keys in their order.
func (a *Attributes) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, a.keys()).(traits.Iterable).Iterator()
}

// Equal compares key by key.
func (a *Attributes) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Mapper)
	if !ok {
		return types.False
	}
	keys := a.keys()
	if o.Size() != types.Int(len(keys)) {
		return types.False
	}
	for _, k := range keys {
		mine, _ := a.Find(types.String(k))
		theirs, ok := o.Find(types.String(k))
		if !ok || types.Equal(mine, theirs) != types.True {
			return types.False
		}
	}
	return types.True
}

// Type is that of a map.
func (a *Attributes) Type() ref.Type { return types.MapType }

// Value is a itself: it has no other form.
func (a *Attributes) Value() any { return a }

// ConvertToNative is refused: no form of Go is wanted of a view.
func (a *Attributes) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("attributes as %s, want them as they are", t)
}

// ConvertToType gives the type of a, or a itself as a map.
func (a *Attributes) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return a
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("attributes as %s, want a map", t.TypeName())
}

// keysOf gives the keys of a map that are to be written: in the order of the wire, or by name.
func keysOf(m traits.Mapper) ([]string, error) {
	if a, ok := m.(*Attributes); ok {
		return a.keys(), nil
	}
	var keys []string
	for it := m.Iterator(); it.HasNext() == types.True; {
		k, ok := it.Next().(types.String)
		if !ok {
			return nil, fmt.Errorf("map with a key that is no text")
		}
		keys = append(keys, string(k))
	}
	slices.Sort(keys)
	return keys, nil
}
