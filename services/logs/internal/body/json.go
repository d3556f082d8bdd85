package body

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/triflow/triflow/services/logs/internal/drain"
)

// maxDepth is how deep a body is written out; what lies deeper is "…".
const maxDepth = 32

// Text gives a body as text: a string as it is, bytes as base64, a list or map as JSON, nothing as "".
func Text(v *commonv1.AnyValue) string { return text(v, base64.StdEncoding.EncodeToString) }

// words gives what Text gives, with a wildcard in place of bytes.
func words(v *commonv1.AnyValue) string {
	return text(v, func([]byte) string { return drain.Wildcard })
}

func text(v *commonv1.AnyValue, opaque func([]byte) string) string {
	switch x := v.GetValue().(type) {
	case nil:
		return ""
	case *commonv1.AnyValue_StringValue:
		return x.StringValue
	case *commonv1.AnyValue_BytesValue:
		return opaque(x.BytesValue)
	case *commonv1.AnyValue_DoubleValue:
		return strconv.FormatFloat(x.DoubleValue, 'g', -1, 64)
	}
	w := writer{opaque: opaque}
	w.value(v, 0)
	return string(w.out)
}

// writer writes JSON. Fields keep their order and duplicates; a number that JSON has not is a string.
type writer struct {
	out    []byte
	opaque func([]byte) string // what stands for bytes
}

func (w *writer) value(v *commonv1.AnyValue, depth int) {
	if depth > maxDepth {
		w.string("…")
		return
	}
	switch x := v.GetValue().(type) {
	case *commonv1.AnyValue_StringValue:
		w.string(x.StringValue)
	case *commonv1.AnyValue_BoolValue:
		w.out = strconv.AppendBool(w.out, x.BoolValue)
	case *commonv1.AnyValue_IntValue:
		w.out = strconv.AppendInt(w.out, x.IntValue, 10)
	case *commonv1.AnyValue_DoubleValue:
		w.double(x.DoubleValue)
	case *commonv1.AnyValue_BytesValue:
		w.string(w.opaque(x.BytesValue))
	case *commonv1.AnyValue_ArrayValue:
		w.array(x.ArrayValue.GetValues(), depth)
	case *commonv1.AnyValue_KvlistValue:
		w.object(x.KvlistValue.GetValues(), depth)
	default:
		w.out = append(w.out, "null"...)
	}
}

func (w *writer) double(x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		w.string(strconv.FormatFloat(x, 'g', -1, 64))
		return
	}
	w.out = strconv.AppendFloat(w.out, x, 'g', -1, 64)
}

func (w *writer) array(values []*commonv1.AnyValue, depth int) {
	w.out = append(w.out, '[')
	for i, e := range values {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.value(e, depth+1)
	}
	w.out = append(w.out, ']')
}

func (w *writer) object(fields []*commonv1.KeyValue, depth int) {
	w.out = append(w.out, '{')
	for i, f := range fields {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.string(f.GetKey())
		w.out = append(w.out, ':')
		w.value(f.GetValue(), depth+1)
	}
	w.out = append(w.out, '}')
}

// string leaves <, > and & readable, for this is no HTML.
func (w *writer) string(s string) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always has a form in JSON
		w.out = append(w.out, `""`...)
		return
	}
	w.out = append(w.out, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
