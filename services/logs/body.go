package logs

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

// bodyText gives a body as text: a string as it is, bytes as base64, a list or map as JSON, nothing as "".
func bodyText(v *commonv1.AnyValue) string {
	switch x := v.GetValue().(type) {
	case nil:
		return ""
	case *commonv1.AnyValue_StringValue:
		return x.StringValue
	case *commonv1.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(x.BytesValue)
	case *commonv1.AnyValue_DoubleValue:
		return strconv.FormatFloat(x.DoubleValue, 'g', -1, 64)
	}
	return string(appendJSON(nil, v, 0))
}

// minedText gives the part of a record that its template is made from: the message of a map, the event's name when
// there is no body, and never the digits of bytes.
func minedText(v *commonv1.AnyValue, text, event string) string {
	switch x := v.GetValue().(type) {
	case *commonv1.AnyValue_BytesValue:
		return drain.Wildcard
	case *commonv1.AnyValue_KvlistValue:
		if m := message(x.KvlistValue.GetValues()); m != "" {
			return m
		}
	}
	if text == "" {
		return event
	}
	return text
}

// message finds the text for people in a structured body, "" for none.
func message(fields []*commonv1.KeyValue) string {
	for _, key := range []string{"message", "msg", "body", "event", "log"} {
		for _, f := range fields {
			if f.GetKey() == key && f.GetValue().GetStringValue() != "" {
				return f.GetValue().GetStringValue()
			}
		}
	}
	return ""
}

// appendJSON writes v as JSON. Fields keep their order and duplicates; a number that JSON has not is a string.
func appendJSON(b []byte, v *commonv1.AnyValue, depth int) []byte {
	if depth > maxDepth {
		return append(b, `"…"`...)
	}
	switch x := v.GetValue().(type) {
	case *commonv1.AnyValue_StringValue:
		return appendString(b, x.StringValue)
	case *commonv1.AnyValue_BoolValue:
		return strconv.AppendBool(b, x.BoolValue)
	case *commonv1.AnyValue_IntValue:
		return strconv.AppendInt(b, x.IntValue, 10)
	case *commonv1.AnyValue_DoubleValue:
		if math.IsNaN(x.DoubleValue) || math.IsInf(x.DoubleValue, 0) {
			return appendString(b, strconv.FormatFloat(x.DoubleValue, 'g', -1, 64))
		}
		return strconv.AppendFloat(b, x.DoubleValue, 'g', -1, 64)
	case *commonv1.AnyValue_BytesValue:
		return appendString(b, base64.StdEncoding.EncodeToString(x.BytesValue))
	case *commonv1.AnyValue_ArrayValue:
		b = append(b, '[')
		for i, e := range x.ArrayValue.GetValues() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e, depth+1)
		}
		return append(b, ']')
	case *commonv1.AnyValue_KvlistValue:
		b = append(b, '{')
		for i, f := range x.KvlistValue.GetValues() {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, f.GetKey()), ':')
			b = appendJSON(b, f.GetValue(), depth+1)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// appendString writes s as a JSON string; <, > and & stay readable, for this is no HTML.
func appendString(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always has a form in JSON
		return append(b, `""`...)
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
