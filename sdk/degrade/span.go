package degrade

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const sizeSuffix = ".size"

// degraded is a span with less in it. It embeds the interface because that has a method which no other package can write.
type degraded struct {
	sdktrace.ReadOnlySpan
	attributes                  []attribute.KeyValue
	events                      []sdktrace.Event
	links                       []sdktrace.Link
	droppedEvents, droppedLinks int
}

func (d degraded) Attributes() []attribute.KeyValue { return d.attributes }
func (d degraded) Events() []sdktrace.Event         { return d.events }
func (d degraded) Links() []sdktrace.Link           { return d.links }
func (d degraded) DroppedEvents() int               { return d.droppedEvents }
func (d degraded) DroppedLinks() int                { return d.droppedLinks }

func (e *Exporter) degrade(s sdktrace.ReadOnlySpan, flags Flags) degraded {
	d := degraded{s, s.Attributes(), s.Events(), s.Links(), s.DroppedEvents(), s.DroppedLinks()}
	if flags&Events != 0 {
		d.droppedEvents += len(d.events)
		d.events = nil
	}
	if flags&Links != 0 {
		d.droppedLinks += len(d.links)
		d.links = nil
	}
	if flags&Values != 0 {
		d.attributes = e.sizes(d.attributes)
		d.events = e.sizesInEvents(d.events)
	}
	return d
}

// sizes returns the attributes with sizes in place of the values that are left out. It copies them if there are any. A
// size that is there already stays: keys are unique, and whoever wrote it may have seen more than was recorded.
func (e *Exporter) sizes(attributes []attribute.KeyValue) []attribute.KeyValue {
	if !slices.ContainsFunc(attributes, e.leftOut) {
		return attributes
	}
	less := make([]attribute.KeyValue, 0, len(attributes))
	for _, a := range attributes {
		if !e.leftOut(a) {
			less = append(less, a)
			continue
		}
		key := a.Key + sizeSuffix
		if !slices.ContainsFunc(attributes, func(b attribute.KeyValue) bool { return b.Key == key }) {
			less = append(less, key.Int(size(a.Value)))
		}
	}
	return less
}

func (e *Exporter) sizesInEvents(events []sdktrace.Event) []sdktrace.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Attributes = e.sizes(events[i].Attributes)
	}
	return events
}

func (e *Exporter) leftOut(a attribute.KeyValue) bool {
	return e.keys[a.Key] || a.Value.Type() == attribute.STRING && len(a.Value.AsString()) > e.maxString
}

// size is the length of the value in bytes; of what is neither a string nor bytes, as text.
func size(v attribute.Value) int {
	switch v.Type() {
	case attribute.STRING:
		return len(v.AsString())
	case attribute.BYTESLICE:
		return len(v.AsByteSlice())
	default:
		return len(v.String())
	}
}
