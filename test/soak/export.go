package soak

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// signal is one of the three.
type signal int

const (
	traces signal = iota
	logs
	metrics
	signals
)

// export is an encoded request whose items bear numbers that can be changed where they lie: the span id of a span and of
// a log record, the value of a point. One goroutine may use it at a time.
type export struct {
	signal signal
	body   []byte
	at     []int // where the numbers are
}

// newExport makes one of so many items with so many bytes of text each, which hardly can be compressed.
func newExport(s signal, items, text int) (*export, error) {
	random := rand.New(rand.NewPCG(1, uint64(items)))
	marks := make([][]byte, items)
	words := make([]string, items)
	for i := range marks {
		marks[i] = binary.BigEndian.AppendUint64(nil, random.Uint64()|1) // stands nowhere else, and is no zero
		word := make([]byte, text)
		for j := range word {
			word[j] = byte('a' + random.IntN(26))
		}
		words[i] = string(word)
	}
	body, err := proto.Marshal(messageOf(s, marks, words))
	if err != nil {
		return nil, fmt.Errorf("encode export: %w", err)
	}
	e := &export{signal: s, body: body}
	for at := 0; len(marks) > 0; marks = marks[1:] {
		at += bytes.Index(body[at:], marks[0])
		e.at = append(e.at, at)
	}
	return e, nil
}

func messageOf(s signal, marks [][]byte, words []string) proto.Message {
	trace := bytes.Repeat([]byte{7}, 16)
	switch s {
	case traces:
		scope := &tracev1.ScopeSpans{}
		for i, id := range marks {
			scope.Spans = append(scope.Spans, &tracev1.Span{
				TraceId: trace, SpanId: id, Name: "work", StartTimeUnixNano: 1, EndTimeUnixNano: 2, Attributes: attribute(words[i]),
			})
		}
		return &collectortrace.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{scope}}}}
	case logs:
		scope := &logsv1.ScopeLogs{}
		for i, id := range marks {
			scope.LogRecords = append(scope.LogRecords, &logsv1.LogRecord{TraceId: trace, SpanId: id, TimeUnixNano: 1, Attributes: attribute(words[i])})
		}
		return &collectorlogs.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{scope}}}}
	default:
		gauge := &metricsv1.Gauge{}
		for i, id := range marks {
			gauge.DataPoints = append(gauge.DataPoints, &metricsv1.NumberDataPoint{
				TimeUnixNano: 1, Attributes: attribute(words[i]), Value: &metricsv1.NumberDataPoint_AsInt{AsInt: int64(binary.LittleEndian.Uint64(id))},
			})
		}
		scope := &metricsv1.ScopeMetrics{Metrics: []*metricsv1.Metric{{Name: "load", Data: &metricsv1.Metric_Gauge{Gauge: gauge}}}}
		return &collectormetrics.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{scope}}}}
	}
}

func attribute(text string) []*commonv1.KeyValue {
	return []*commonv1.KeyValue{{Key: "text", Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: text}}}}
}

// items is how many it holds.
func (e *export) items() int { return len(e.at) }

// number gives the items the numbers from first on, which is above 0.
func (e *export) number(first uint64) {
	for i, at := range e.at {
		binary.BigEndian.PutUint64(e.body[at:], first+uint64(i))
	}
}

// clone has a body of its own.
func (e *export) clone() *export {
	return &export{signal: e.signal, body: slices.Clone(e.body), at: e.at}
}

// paths lead by field numbers from an export to the numbers of its items.
var paths = [signals][]protowire.Number{
	traces:  {1, 2, 2, 2},
	logs:    {1, 2, 2, 10},
	metrics: {1, 2, 2, 5, 1, 6},
}

// numbers appends those of all items of a payload.
func numbers(to []uint64, s signal, payload []byte) ([]uint64, error) {
	return follow(to, paths[s], payload)
}

func follow(to []uint64, path []protowire.Number, b []byte) ([]uint64, error) {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(field, kind, b[n:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		value := b[n : n+size]
		b = b[n+size:]
		if field != path[0] {
			continue
		}
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		if len(path) > 1 {
			var err error
			if to, err = follow(to, path[1:], value); err != nil {
				return nil, err
			}
			continue
		}
		if len(value) != 8 {
			return nil, fmt.Errorf("number of an item: %d bytes, want 8", len(value))
		}
		to = append(to, binary.BigEndian.Uint64(value))
	}
	return to, nil
}
