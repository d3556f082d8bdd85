package record

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
)

// Numbers of the fields of KeyValue, of AnyValue and of its lists.
const (
	PairKey   protowire.Number = 1
	PairValue protowire.Number = 2

	ValueString protowire.Number = 1
	ValueBool   protowire.Number = 2
	ValueInt    protowire.Number = 3
	ValueDouble protowire.Number = 4
	ValueArray  protowire.Number = 5
	ValueMap    protowire.Number = 6
	ValueBytes  protowire.Number = 7

	ListElement protowire.Number = 1
)

// Numbers of the fields of a metric that hold its points.
const (
	Gauge                protowire.Number = 5
	Sum                  protowire.Number = 7
	Histogram            protowire.Number = 9
	ExponentialHistogram protowire.Number = 10
	Summary              protowire.Number = 11
)

// Shape says in which fields a message has what people wrote. A number of 0 is no field.
type Shape struct {
	// Attributes are KeyValues.
	Attributes protowire.Number
	// Body is an AnyValue.
	Body protowire.Number
	// Text is free text, and Name the name of what the message is.
	Text, Name protowire.Number
	// Parts are messages with a shape of their own.
	Parts []Part
}

// Part is a message in a field of another.
type Part struct {
	Num   protowire.Number
	Shape *Shape
}

// Part gives the shape of the message in a field, or nil.
func (s *Shape) Part(num protowire.Number) *Shape {
	for i := range s.Parts {
		if s.Parts[i].Num == num {
			return s.Parts[i].Shape
		}
	}
	return nil
}

// What follows is the constant table of shapes; a test holds groups and points against the published protocol.
var (
	exemplar = &Shape{Attributes: 7}

	resource  = &Shape{Attributes: 1}
	scope     = &Shape{Attributes: 3}
	metric    = &Shape{Attributes: 12}
	span      = &Shape{Attributes: 9, Name: 5, Parts: []Part{{11, event}, {13, link}, {15, status}}}
	event     = &Shape{Attributes: 3, Name: 2}
	link      = &Shape{Attributes: 4}
	status    = &Shape{Text: 2}
	logRecord = &Shape{Attributes: 6, Body: 5, Name: 12}

	numberPoint      = &Shape{Attributes: 7, Parts: []Part{{5, exemplar}}}
	histogramPoint   = &Shape{Attributes: 9, Parts: []Part{{8, exemplar}}}
	exponentialPoint = &Shape{Attributes: 1, Parts: []Part{{11, exemplar}}}
	summaryPoint     = &Shape{Attributes: 7}
)

// GroupShape is the shape of what a group of a level is: of its Self, or of the Rest of a metric.
func GroupShape(level int) *Shape { return [...]*Shape{resource, scope, metric}[level] }

// PointShape is the shape of the points in a field of a metric; nil if it holds none.
func PointShape(kind protowire.Number) *Shape {
	switch kind {
	case Gauge, Sum:
		return numberPoint
	case Histogram:
		return histogramPoint
	case ExponentialHistogram:
		return exponentialPoint
	case Summary:
		return summaryPoint
	}
	return nil
}

// Shape is the shape of an item.
func (b *Batch) Shape(it Item) *Shape {
	switch b.Signal {
	case otlp.SignalTraces:
		return span
	case otlp.SignalLogs:
		return logRecord
	}
	return PointShape(b.Kind(it))
}

// Pair splits a KeyValue into its key and its AnyValue, which is nil where there is none.
func Pair(kv []byte) (key, value []byte) {
	for c := Over(kv); c.Next(); {
		switch {
		case c.Is(PairKey):
			key = c.Value
		case c.Is(PairValue):
			value = c.Value
		}
	}
	return key, value
}

// AppendPair appends the content of a KeyValue.
func AppendPair(dst []byte, key string, value []byte) []byte {
	dst = protowire.AppendTag(dst, PairKey, protowire.BytesType)
	return AppendBytes(protowire.AppendString(dst, key), PairValue, value)
}
