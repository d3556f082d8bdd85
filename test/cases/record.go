package cases

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is a stored item as the API tells it. fields are by the names of OTLP/JSON; attributes are values by key.
type record struct {
	service    string
	fields     map[string]any
	attributes map[string]any
	flags      []string // its marks for doubtful data
	note       *note    // of a span; nil of anything else, and of one that was only sent
}

// name tells a span as people do.
func (r record) name() string { return r.service + "/" + fmt.Sprint(r.fields["name"]) }

// plainList turns a list of KeyValue into a map.
func plainList(list any) map[string]any {
	out := map[string]any{}
	items, _ := list.([]any)
	for _, item := range items {
		kv, _ := item.(map[string]any)
		key, _ := kv["key"].(string)
		out[key] = plain(kv["value"])
	}
	return out
}

// plain turns an AnyValue into the value: 64-bit numbers as decimal strings, bytes as they are in JSON, nothing as nil.
func plain(value any) any {
	v, _ := value.(map[string]any)
	for kind, x := range v {
		inner, _ := x.(map[string]any)
		switch kind {
		case "stringValue", "boolValue", "doubleValue", "intValue", "bytesValue":
			return x
		case "arrayValue":
			out := []any{}
			values, _ := inner["values"].([]any)
			for _, e := range values {
				out = append(out, plain(e))
			}
			return out
		case "kvlistValue":
			return plainList(inner["values"])
		}
	}
	return nil
}

// enums are the numbers of what the API names.
var enums = map[string]int{
	"SPAN_KIND_UNSPECIFIED": 0, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3, "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5,
	"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2,
}

// field finds a field by the words of a case. told is false when the API does not tell that field of such an item.
func (r record) field(name string) (value any, told bool) {
	head, rest, _ := strings.Cut(name, ".")
	switch {
	case name == "":
		return r.fields, true
	case head == "attributes":
		return r.attributes[rest], true
	case name == "quality_flags":
		return r.flags, true
	case name == "duration_ns" && r.note != nil:
		took, err := time.ParseDuration(r.note.Duration)
		return strconv.FormatInt(took.Nanoseconds(), 10), err == nil
	case rest == "count":
		list, is := r.fields[camel(head)].([]any)
		return json.Number(strconv.Itoa(len(list))), is
	case name == "event_time":
		text, is := r.fields["time"].(string)
		if r.note != nil {
			text, is = r.note.EventTime, true
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		return strconv.FormatInt(at.UnixNano(), 10), is && err == nil
	}
	value, told = r.fields[camel(head)]
	for part := range strings.SplitSeq(rest, ".") {
		if rest == "" {
			break
		}
		inner, _ := value.(map[string]any)
		if exact, is := inner[part]; is { // a key of a body
			value = exact
			continue
		}
		value = inner[camel(part)]
	}
	if n, is := enums[fmt.Sprint(value)]; is {
		value = json.Number(strconv.Itoa(n))
	}
	return value, told
}

var underscore = regexp.MustCompile(`_[a-z]`)

// camel turns a name of protobuf into that of JSON.
func camel(name string) string {
	return underscore.ReplaceAllStringFunc(name, func(s string) string { return strings.ToUpper(s[1:]) })
}

// compare checks a value of a record against what a case wants. received is when the item was sent.
func compare(value any, op string, want any, received time.Time) error {
	fail := func() error { return fmt.Errorf("%s, want %s %s", show(value), op, show(want)) }
	ok := false
	switch op {
	case "exists":
		ok = value != nil
	case "empty":
		ok = show(value) == `""` || value == nil || show(value) == "[]" || show(value) == "{}"
	case "eq":
		ok = same(value, want)
	case "in":
		list, _ := want.([]any)
		ok = slices.ContainsFunc(list, func(w any) bool { return same(value, w) })
	case "contains":
		switch v := value.(type) {
		case string:
			ok = strings.Contains(v, fmt.Sprint(want))
		case []string:
			ok = slices.Contains(v, fmt.Sprint(want))
		}
	case "bytes_hex":
		b, err := base64.StdEncoding.DecodeString(fmt.Sprint(value))
		ok = err == nil && hex.EncodeToString(b) == want
	case "within_of_receive_s":
		n, err := strconv.ParseInt(fmt.Sprint(value), 10, 64)
		limit, err2 := strconv.ParseFloat(fmt.Sprint(want), 64)
		ok = err == nil && err2 == nil && time.Unix(0, n).Sub(received).Abs().Seconds() <= limit
	default:
		return unknown("op " + op)
	}
	if !ok {
		return fail()
	}
	return nil
}

// same compares numbers by value whether they are text or not, and everything else by its JSON. A JSON number of a case
// is compared exactly; nothing goes through float64.
func same(value, want any) bool {
	if a, b := rational(value), rational(want); a != nil && b != nil {
		return a.Cmp(b) == 0
	}
	return show(value) == show(want)
}

func rational(v any) *big.Rat {
	switch v.(type) {
	case string, json.Number, float64, int:
		if r, ok := new(big.Rat).SetString(fmt.Sprint(v)); ok {
			return r
		}
	}
	return nil
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
