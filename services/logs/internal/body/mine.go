package body

import (
	"strings"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/triflow/triflow/services/logs/internal/drain"
)

// Way says which part of a record is mined.
type Way int

// The ways, in the words of the contract.
const (
	None      Way = iota // bytes, or a record without body and name
	Whole                // a string
	Field                // the message in a map
	Structure            // a list, or a map without a message, as JSON
	Value                // a number or a boolean
	EventName            // the event's name
)

// Mined is what a template is made from.
type Mined struct {
	Text  string
	Way   Way
	Field string // of a Field, the keys to it
}

// messageKeys are the keys under which loggers put the text for people, the most usual first, and those of the maps in
// which they put such a map.
var messageKeys = [...]string{"message", "msg", "@message", "short_message", "text", "log", "event", "body", "exception", "error"}

// maxNest is how many maps deep a message is looked for.
const maxNest = 3

// Mine gives the part of a record that its template is made from; event is the record's event name.
func Mine(v *commonv1.AnyValue, event string) Mined {
	m := mineBody(v)
	if m.Text == "" && event != "" {
		return Mined{Text: event, Way: EventName}
	}
	return m
}

func mineBody(v *commonv1.AnyValue) Mined {
	switch x := v.GetValue().(type) {
	case nil:
		return Mined{}
	case *commonv1.AnyValue_StringValue:
		if x.StringValue == "" {
			return Mined{}
		}
		return Mined{Text: x.StringValue, Way: Whole}
	case *commonv1.AnyValue_BytesValue:
		return Mined{Text: drain.Wildcard}
	case *commonv1.AnyValue_KvlistValue:
		if found, keys := message(x.KvlistValue.GetValues(), 1); found != "" {
			return Mined{Text: found, Way: Field, Field: keys}
		}
		return Mined{Text: words(v), Way: Structure}
	case *commonv1.AnyValue_ArrayValue:
		return Mined{Text: words(v), Way: Structure}
	}
	return Mined{Text: words(v), Way: Value}
}

// message finds the text for people in a map, and the keys that lead to it; "" for none.
func message(fields []*commonv1.KeyValue, depth int) (found, keys string) {
	for _, key := range messageKeys {
		for _, f := range fields {
			if !strings.EqualFold(f.GetKey(), key) {
				continue
			}
			if s := f.GetValue().GetStringValue(); s != "" {
				return s, f.GetKey()
			}
			if inner := f.GetValue().GetKvlistValue().GetValues(); depth < maxNest {
				if s, below := message(inner, depth+1); s != "" {
					return s, f.GetKey() + "." + below
				}
			}
		}
	}
	return "", ""
}
