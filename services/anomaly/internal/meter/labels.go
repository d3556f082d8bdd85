package meter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/triflow/triflow/services/anomaly/internal/detect"
)

// The bounds of a series' name and labels, lengths in bytes. A point beyond them is ignored: were they cut, two series
// could become one.
const (
	MaxName, MaxLabels    = 256, 32
	MaxKey, MaxValue      = 256, 1024
	longestSuffix         = len(".rate")
	labelService          = "service"
	labelInstance         = "service.instance.id"
	attrService, nameless = "service.name", "unknown_service"
)

// named tells whether a metric may have this name.
func named(name string) bool {
	return len(name) > 0 && len(name) <= MaxName-longestSuffix && !ours(name)
}

// key is the same for equal identities only.
func (d Identity) key() string {
	return fmt.Sprintf("%q%q%q%d%t%t", d.Name, d.Unit, d.Scope, d.Type, d.Delta, d.Monotonic)
}

// identify gives the labels of a point, and a key of them; false if they are beyond the bounds. An instance of a service
// is a stream of its own, or the counters of two of them would be one that jumps.
func identify(resource, attributes []*commonv1.KeyValue) (labels map[string]string, key string, ok bool) {
	labels = make(map[string]string, len(attributes)+2)
	for _, a := range attributes {
		value, plain := text(a.GetValue())
		if !plain {
			return nil, "", false
		}
		labels[a.GetKey()] = value
	}
	labels[labelService] = nameless
	for _, a := range resource {
		value, plain := text(a.GetValue())
		switch {
		case !plain || value == "":
		case a.GetKey() == attrService:
			labels[labelService] = value
		case a.GetKey() == labelInstance:
			labels[labelInstance] = value
		}
	}
	keys := make([]string, 0, len(labels))
	for k, v := range labels {
		if len(k) > MaxKey || len(v) > MaxValue {
			return nil, "", false
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(strconv.Quote(k) + strconv.Quote(labels[k]))
	}
	return labels, b.String(), len(labels) <= MaxLabels
}

// ours tells that a name is one of those that Triflow makes itself; who reads them must be able to believe them.
func ours(name string) bool {
	return strings.HasPrefix(name, "edge.") || strings.HasPrefix(name, "log.template.") || strings.HasPrefix(name, "service.")
}

// text gives a plain value as text; false for arrays, maps and bytes.
func text(v *commonv1.AnyValue) (string, bool) {
	switch x := v.GetValue().(type) {
	case *commonv1.AnyValue_StringValue:
		return x.StringValue, true
	case *commonv1.AnyValue_BoolValue:
		return strconv.FormatBool(x.BoolValue), true
	case *commonv1.AnyValue_IntValue:
		return strconv.FormatInt(x.IntValue, 10), true
	case *commonv1.AnyValue_DoubleValue:
		return strconv.FormatFloat(x.DoubleValue, 'g', -1, 64), true
	}
	return "", v.GetValue() == nil
}

// kindOfLevel goes by the words of the semantic conventions.
func kindOfLevel(name string) detect.Kind {
	switch last := name[strings.LastIndexAny(name, "._")+1:]; last {
	case "utilization":
		return detect.Utilization
	case "depth", "backlog", "lag", "pending", "queued", "waiting":
		return detect.Backlog
	}
	return detect.Shown
}

// secondsOf tells how many seconds a unit of time is.
func secondsOf(unit string) (float64, bool) {
	switch unit {
	case "s":
		return 1, true
	case "ms":
		return 1e-3, true
	case "us":
		return 1e-6, true
	case "ns":
		return 1e-9, true
	}
	return 0, false
}
