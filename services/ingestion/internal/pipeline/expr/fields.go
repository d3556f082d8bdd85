package expr

import (
	"encoding/hex"
	"math"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// member is a field of item or scope.
type member struct {
	of  *cel.Type
	get func(*Record) ref.Val
}

// itemType is the name of the type of item.
func itemType(s otlp.Signal) string {
	return [...]string{otlp.SignalTraces: "Span", otlp.SignalLogs: "LogRecord", otlp.SignalMetrics: "Point"}[s]
}

const scopeType = "Scope"

var attributesType = cel.MapType(cel.StringType, cel.DynType)

// members gives the fields of each type.
func members() map[string]map[string]member {
	return map[string]map[string]member{
		itemType(otlp.SignalTraces):  spanMembers(),
		itemType(otlp.SignalLogs):    logMembers(),
		itemType(otlp.SignalMetrics): pointMembers(),
		scopeType: {
			"name":       {cel.StringType, func(r *Record) ref.Val { return types.String(find(r.scope, 1).Value) }},
			"version":    {cel.StringType, func(r *Record) ref.Val { return types.String(find(r.scope, 2).Value) }},
			"attributes": {attributesType, func(r *Record) ref.Val { return &r.scopes }},
		},
	}
}

func spanMembers() map[string]member {
	return map[string]member{
		"name":        textField(5),
		"trace_id":    idField(1),
		"span_id":     idField(2),
		"parent_id":   idField(4),
		"trace_state": textField(3),
		"start":       timeField(7),
		"end":         timeField(8),
		"duration": {cel.DurationType, func(r *Record) ref.Val {
			// The difference wraps to a negative duration where the end lies before the start.
			return types.Duration{Duration: time.Duration(r.number(8) - r.number(7))}
		}},
		"kind":   word(func(r *Record) uint64 { return r.number(6) }, "unspecified", "internal", "server", "client", "producer", "consumer"),
		"status": word(func(r *Record) uint64 { return find(find(r.raw, 15).Value, 3).Bits }, "unset", "ok", "error"),
		"status_message": {cel.StringType, func(r *Record) ref.Val {
			return types.String(find(find(r.raw, 15).Value, 2).Value)
		}},
		"attributes": attributesField(),
	}
}

func logMembers() map[string]member {
	return map[string]member{
		"time":          timeField(1),
		"observed_time": timeField(11),
		"severity":      {cel.IntType, func(r *Record) ref.Val { return types.Int(int32(r.number(2))) }},
		"severity_text": textField(3),
		"event_name":    textField(12),
		"trace_id":      idField(9),
		"span_id":       idField(10),
		"body":          {cel.DynType, func(r *Record) ref.Val { return value(find(r.raw, 5).Value, r) }},
		"attributes":    attributesField(),
	}
}

func pointMembers() map[string]member {
	const name, description, unit = 1, 2, 3
	return map[string]member{
		"name":        metricText(name),
		"description": metricText(description),
		"unit":        metricText(unit),
		"type": {cel.StringType, func(r *Record) ref.Val {
			switch r.kind {
			case record.Gauge:
				return types.String("gauge")
			case record.Sum:
				return types.String("sum")
			case record.Histogram:
				return types.String("histogram")
			case record.ExponentialHistogram:
				return types.String("exponential_histogram")
			}
			return types.String("summary")
		}},
		"temporality": word(func(r *Record) uint64 { return find(r.metric.Data, 2).Bits }, "unspecified", "delta", "cumulative"),
		"monotonic": {cel.BoolType, func(r *Record) ref.Val {
			return types.Bool(r.kind == record.Sum && find(r.metric.Data, 3).Bits != 0)
		}},
		"start": pointTime(2),
		"time":  pointTime(3),
		// Of a number: what it is; of the others: 0.
		"value": {cel.DoubleType, func(r *Record) ref.Val { return types.Double(pointValue(r)) }},
		"count": {cel.IntType, func(r *Record) ref.Val {
			if r.kind == record.Gauge || r.kind == record.Sum {
				return types.Int(0)
			}
			return types.Int(int64(r.number(4)))
		}},
		"attributes": attributesField(),
	}
}

// pointTime is a time of a point; all kinds of points have the two times in the same fields.
func pointTime(num protowire.Number) member {
	return member{cel.TimestampType, func(r *Record) ref.Val { return timestamp(r.number(num)) }}
}

func pointValue(r *Record) float64 {
	if r.kind != record.Gauge && r.kind != record.Sum {
		return 0
	}
	for c := record.Over(r.raw); c.Next(); {
		switch c.Num {
		case 4:
			return math.Float64frombits(c.Bits)
		case 6:
			return float64(int64(c.Bits))
		}
	}
	return 0
}

func textField(num protowire.Number) member {
	return member{cel.StringType, func(r *Record) ref.Val { return r.text(num) }}
}

func metricText(num protowire.Number) member {
	return member{cel.StringType, func(r *Record) ref.Val { return types.String(find(r.metric.Rest, num).Value) }}
}

func idField(num protowire.Number) member {
	return member{cel.StringType, func(r *Record) ref.Val { return types.String(hex.EncodeToString(find(r.raw, num).Value)) }}
}

func timeField(num protowire.Number) member {
	return member{cel.TimestampType, func(r *Record) ref.Val { return timestamp(r.number(num)) }}
}

func timestamp(ns uint64) ref.Val {
	return types.Timestamp{Time: time.Unix(int64(ns/1e9), int64(ns%1e9)).UTC()}
}

func attributesField() member {
	return member{attributesType, func(r *Record) ref.Val { return &r.of }}
}

// word is an enum as text; what has no word is the first.
func word(number func(*Record) uint64, words ...string) member {
	values := make([]ref.Val, len(words))
	for i, w := range words {
		values[i] = types.String(w)
	}
	return member{cel.StringType, func(r *Record) ref.Val {
		if n := number(r); n < uint64(len(values)) {
			return values[n]
		}
		return values[0]
	}}
}
