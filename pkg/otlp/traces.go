package otlp

import (
	"iter"

	"github.com/triflow/triflow/pkg/id"
)

// Span is a view of one span.
type Span struct {
	Trace id.Trace
	ID    id.Span
	// Parent is zero for a root; an id of zeros on the wire means the same.
	Parent id.Span
	// Start and End are in ns since 1970, as sent.
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

// Impossible tells that the span ends before it starts, or does not say one of the two.
func (s *Span) Impossible() bool { return s.Start == 0 || times{s.Start, s.End}.impossible() }

// Traces is a view of an ExportTraceServiceRequest or a TracesData: they are the same on the wire. The zero value is
// ready for Scan. One goroutine at a time may scan; many may read.
type Traces struct {
	Groups
	// Spans has every span, in order.
	Spans []Span
}

// Scan makes t a view of b, which must not change while t is used. The error is a *Malformed.
func (t *Traces) Scan(b []byte, level Level) error {
	t.Spans = t.Spans[:0]
	return t.scan(tracesRequest, b, level, t)
}

func (t *Traces) add(scope int32, rng Range) (int, reason) {
	t.Spans = append(t.Spans, Span{Raw: rng, Resource: int32(len(t.Resources)) - 1, Scope: scope})
	return t.Spans[len(t.Spans)-1].scan(t.Bytes, t.level)
}

func (t *Traces) count() int { return len(t.Spans) }

func (t *Traces) blame(from int, f Fault) {
	for i := from; i < len(t.Spans); i++ {
		t.Spans[i].Fault = worse(t.Spans[i].Fault, f)
	}
}

// SpanAttr finds an attribute of a span. It allocates nothing.
func (t *Traces) SpanAttr(s *Span, key string) (Value, bool) {
	return findAttr(t.Bytes, s.Raw, 9, key)
}

// SpanAttrs yields the attributes of a span; the keys are part of t.Bytes.
func (t *Traces) SpanAttrs(s *Span) iter.Seq2[[]byte, Value] {
	return attrs(t.Bytes, s.Raw, 9)
}

// StatusMessage gives the message of the status of a span, as a string of its own.
func (t *Traces) StatusMessage(s *Span) string {
	message := Range{}
	for c := over(t.Bytes, s.Raw); c.next(); {
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
