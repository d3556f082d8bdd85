package otlp

import (
	"iter"
	"math"

	"github.com/triflow/triflow/pkg/id"
)

// Range is a piece of the bytes that were scanned. The zero Range is a field that was absent.
type Range struct{ Off, Len uint32 }

// Span is a view of one span.
type Span struct {
	Trace id.Trace
	ID    id.Span
	// Parent is zero for a root; an id of zeros on the wire means the same.
	Parent id.Span
	// Start and End are in ns since 1970. Neither is checked: End may lie before Start, and either may be zero.
	Start, End uint64
	// Name and State (the W3C tracestate) are texts.
	Name, State Range
	// Raw is the Span message, without its tag and length.
	Raw Range
	// Flags are the W3C trace flags in the low 8 bits; bits 8 and 9 tell whether the parent is remote.
	Flags uint32
	// Resource and Scope are indexes into the Traces that this view belongs to.
	Resource, Scope int32
	// Attrs, Events and Links count what the span carries.
	Attrs, Events, Links uint32
	// Kind and Status are the numbers of OTLP; a number above 255 is read as 0.
	Kind, Status uint8
	// Fault is zero, or the first reason found why the span is no good.
	Fault Fault
}

// ScopeView is the instrumentation scope of a run of spans.
type ScopeView struct {
	// Resource is an index into Traces.Resources.
	Resource int32
	// Raw is the InstrumentationScope message.
	Raw Range
	// Schema is the URL of the schema of the spans.
	Schema Range
}

// Traces is a view of an ExportTraceServiceRequest or a TracesData: they are the same on the wire. The zero value is
// ready for Scan. One goroutine at a time may scan; many may read.
type Traces struct {
	// Bytes is what was scanned.
	Bytes []byte
	// Resources has the Resource message of every ResourceSpans, in order, and ResourceSchemas its schema URL.
	Resources, ResourceSchemas []Range
	// Scopes has an entry for every ScopeSpans, in order.
	Scopes []ScopeView
	// Spans has every span, in order.
	Spans []Span
}

// Scan makes t a view of b, which must not change while t is used. It checks the framing down to the fields of each
// span and flags spans with bad ids or names, but does not look into attributes, events and links: that is done once,
// by Request.Scan, when a request comes in. The error is a *Malformed.
func (t *Traces) Scan(b []byte) error {
	t.Bytes = b
	t.Resources, t.ResourceSchemas = t.Resources[:0], t.ResourceSchemas[:0]
	t.Scopes, t.Spans = t.Scopes[:0], t.Spans[:0]
	if len(b) > math.MaxInt32 {
		return malformed(b, tracesRequest, 0, tooBig)
	}
	c := cursor{b: b, end: len(b)}
	for c.next() {
		if c.num == 1 && c.typ == wireBytes {
			if at, bad := t.scanResource(c.at()); bad != framed {
				return malformed(b, tracesRequest, at, bad)
			}
		}
	}
	if c.bad != framed {
		return malformed(b, tracesRequest, c.start, c.bad)
	}
	return nil
}

func (t *Traces) scanResource(r Range) (int, reason) {
	i := int32(len(t.Resources))
	t.Resources, t.ResourceSchemas = append(t.Resources, Range{}), append(t.ResourceSchemas, Range{})
	c := over(t.Bytes, r)
	for c.next() {
		if c.typ != wireBytes {
			continue
		}
		switch c.num {
		case 1:
			if t.Resources[i] != (Range{}) {
				return c.start, givenTwice
			}
			t.Resources[i] = c.at()
		case 2:
			if at, bad := t.scanScope(i, c.at()); bad != framed {
				return at, bad
			}
		case 3:
			t.ResourceSchemas[i] = c.at()
		}
	}
	return c.start, c.bad
}

func (t *Traces) scanScope(resource int32, r Range) (int, reason) {
	i := int32(len(t.Scopes))
	t.Scopes = append(t.Scopes, ScopeView{Resource: resource})
	c := over(t.Bytes, r)
	for c.next() {
		if c.typ != wireBytes {
			continue
		}
		switch c.num {
		case 1:
			if t.Scopes[i].Raw != (Range{}) {
				return c.start, givenTwice
			}
			t.Scopes[i].Raw = c.at()
		case 2:
			t.Spans = append(t.Spans, Span{Raw: c.at(), Resource: resource, Scope: i})
			if at, bad := t.Spans[len(t.Spans)-1].scan(t.Bytes); bad != framed {
				return at, bad
			}
		case 3:
			t.Scopes[i].Schema = c.at()
		}
	}
	return c.start, c.bad
}

// BytesOf gives the bytes of r: nil when the field was absent, not nil when it was there and empty. They are part of
// t.Bytes.
func (t *Traces) BytesOf(r Range) []byte {
	if r == (Range{}) {
		return nil
	}
	return t.Bytes[r.Off : r.Off+r.Len : r.Off+r.Len]
}

// Text gives the bytes of r as a string of their own.
func (t *Traces) Text(r Range) string { return string(t.BytesOf(r)) }

// ScopeOf gives the scope of s.
func (t *Traces) ScopeOf(s *Span) ScopeView { return t.Scopes[s.Scope] }

// ScopeName gives the name of the instrumentation scope i, as a string of its own.
func (t *Traces) ScopeName(i int32) string {
	name := Range{}
	c := over(t.Bytes, t.Scopes[i].Raw)
	for c.next() {
		if c.num == 1 && c.typ == wireBytes {
			name = c.at()
		}
	}
	return t.Text(name)
}

// Service gives the service.name of a resource, as a string of its own, or UnknownService.
func (t *Traces) Service(resource int32) string {
	if v, ok := t.ResourceAttr(resource, "service.name"); ok {
		if s := v.Text(); s != "" {
			return s
		}
	}
	return UnknownService
}

// UnknownService stands for a service that does not say its name.
const UnknownService = "unknown_service"

// ResourceAttr finds an attribute of a resource.
func (t *Traces) ResourceAttr(resource int32, key string) (Value, bool) {
	return findAttr(t.Bytes, t.Resources[resource], 1, key)
}

// SpanAttr finds an attribute of a span. It allocates nothing.
func (t *Traces) SpanAttr(s *Span, key string) (Value, bool) {
	return findAttr(t.Bytes, s.Raw, 9, key)
}

// ResourceAttrs yields the attributes of a resource; the keys are part of t.Bytes.
func (t *Traces) ResourceAttrs(resource int32) iter.Seq2[[]byte, Value] {
	return attrs(t.Bytes, t.Resources[resource], 1)
}

// SpanAttrs yields the attributes of a span; the keys are part of t.Bytes.
func (t *Traces) SpanAttrs(s *Span) iter.Seq2[[]byte, Value] {
	return attrs(t.Bytes, s.Raw, 9)
}

// StatusMessage gives the message of the status of a span, as a string of its own.
func (t *Traces) StatusMessage(s *Span) string {
	message := Range{}
	c := over(t.Bytes, s.Raw)
	for c.next() {
		if c.num != 15 || c.typ != wireBytes {
			continue
		}
		for m := over(t.Bytes, c.at()); m.next(); {
			if m.num == 2 && m.typ == wireBytes {
				message = m.at()
			}
		}
	}
	return t.Text(message)
}
