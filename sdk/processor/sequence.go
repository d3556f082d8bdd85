package processor

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The attributes by which a receiver finds what is missing. The package documentation says what they mean.
const (
	StreamKey = attribute.Key("triflow.sequence.stream")
	FirstKey  = attribute.Key("triflow.sequence.first")
	CountKey  = attribute.Key("triflow.sequence.count")
)

// numbers gives the spans of one stream their numbers.
// Invariant: numbers given or skipped = spans taken from the ring + spans dropped before it, as far as known.
type numbers struct {
	stream  string
	next    int64
	skipped uint64
}

// skip passes over as many numbers as spans were dropped since the last call. It is given how many ever were.
func (n *numbers) skip(dropped uint64) {
	n.next += int64(dropped - n.skipped)
	n.skipped = dropped
}

// take gives the next numbers to a batch and returns the first.
func (n *numbers) take(count int) (first int64) {
	first = n.next
	n.next += int64(count)
	return first
}

// numbered is a span with more attributes. It embeds the interface because that has a method which no other package can
// write.
type numbered struct {
	sdktrace.ReadOnlySpan
	attributes []attribute.KeyValue
}

// number returns the span with the attributes of a batch that starts with it. The span itself is shared with other
// processors and stays as it is.
func number(s sdktrace.ReadOnlySpan, stream string, first int64, count int) numbered {
	return numbered{s, append(slices.Clip(s.Attributes()), StreamKey.String(stream), FirstKey.Int64(first), CountKey.Int(count))}
}

// Attributes returns those of the span and the three of the batch.
func (n numbered) Attributes() []attribute.KeyValue { return n.attributes }
