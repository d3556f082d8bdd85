package expr

import (
	"fmt"
	"math"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// value turns an AnyValue into a value of CEL; maps are read when they are looked into.
func value(raw []byte, r *Record) ref.Val {
	var last record.Field
	for c := record.Over(raw); c.Next(); {
		if c.Num <= record.ValueBytes {
			last = c.Field
		}
	}
	r.cost += int64(len(last.Value) / bytesPerStep)
	switch last.Num {
	case record.ValueString:
		return types.String(last.Value)
	case record.ValueBool:
		return types.Bool(last.Bits != 0)
	case record.ValueInt:
		return types.Int(int64(last.Bits))
	case record.ValueDouble:
		return types.Double(math.Float64frombits(last.Bits))
	case record.ValueBytes:
		return types.Bytes(last.Value)
	case record.ValueMap:
		return &Attributes{message: last.Value, num: record.ListElement, of: r}
	case record.ValueArray:
		var list []ref.Val
		for c := record.Over(last.Value); c.Next(); {
			if c.Is(record.ListElement) {
				list = append(list, value(c.Value, r))
			}
		}
		return types.NewRefValList(types.DefaultTypeAdapter, list)
	}
	return types.NullValue
}

// MaxValue bounds what a value that an expression gives takes as an AnyValue, in bytes.
const MaxValue = 64 << 10

// Encode gives a value of CEL as an AnyValue. Times are text as in RFC 3339, durations in seconds.
func Encode(v ref.Val) ([]byte, error) { return appendValue(nil, v, 0) }

func appendValue(dst []byte, v ref.Val, depth int) ([]byte, error) {
	if depth > otlp.MaxDepth/2 {
		return nil, fmt.Errorf("value nested deeper than %d", otlp.MaxDepth/2)
	}
	var err error
	switch v := v.(type) {
	case types.String:
		if !utf8.ValidString(string(v)) {
			return nil, fmt.Errorf("text that is not UTF-8")
		}
		dst = record.AppendBytes(dst, record.ValueString, []byte(v))
	case types.Bool:
		dst = appendNumber(dst, record.ValueBool, protowire.EncodeBool(v == types.True))
	case types.Int:
		dst = appendNumber(dst, record.ValueInt, uint64(v))
	case types.Uint:
		if v > math.MaxInt64 {
			return nil, fmt.Errorf("number %d, want at most %d", v, int64(math.MaxInt64))
		}
		dst = appendNumber(dst, record.ValueInt, uint64(v))
	case types.Double:
		dst = protowire.AppendTag(dst, record.ValueDouble, protowire.Fixed64Type)
		dst = protowire.AppendFixed64(dst, math.Float64bits(float64(v)))
	case types.Bytes:
		dst = record.AppendBytes(dst, record.ValueBytes, v)
	case types.Null:
	case types.Timestamp, types.Duration:
		dst = record.AppendBytes(dst, record.ValueString, []byte(v.ConvertToType(types.StringType).(types.String)))
	case traits.Mapper:
		dst, err = appendMap(dst, v, depth)
	case traits.Lister:
		dst, err = appendList(dst, v, depth)
	default:
		return nil, fmt.Errorf("value of type %s, want text, a number, a bool, bytes, a list or a map", v.Type().TypeName())
	}
	if err == nil && len(dst) > MaxValue {
		return nil, fmt.Errorf("value of more than %d bytes", MaxValue)
	}
	return dst, err
}

func appendNumber(dst []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.VarintType), v)
}

func appendList(dst []byte, list traits.Lister, depth int) ([]byte, error) {
	var body []byte
	for it := list.Iterator(); it.HasNext() == types.True; {
		e, err := appendValue(nil, it.Next(), depth+1)
		if err != nil {
			return nil, err
		}
		if body = record.AppendBytes(body, record.ListElement, e); len(body) > MaxValue {
			break
		}
	}
	return record.AppendBytes(dst, record.ValueArray, body), nil
}

// appendMap writes the entries of a map in the order of its iterator: that of an item's own map is its order on the
// wire; that of a literal is by key.
func appendMap(dst []byte, m traits.Mapper, depth int) ([]byte, error) {
	keys, err := keysOf(m)
	if err != nil {
		return nil, err
	}
	var body []byte
	for _, k := range keys {
		v, ok := m.Find(types.String(k))
		if !ok {
			continue
		}
		e, err := appendValue(nil, v, depth+1)
		if err != nil {
			return nil, err
		}
		if body = record.AppendBytes(body, record.ListElement, record.AppendPair(nil, k, e)); len(body) > MaxValue {
			break
		}
	}
	return record.AppendBytes(dst, record.ValueMap, body), nil
}
