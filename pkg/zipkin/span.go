package zipkin

import (
	"bytes"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/jsonscan"
	"github.com/triflow/triflow/pkg/otlp"
)

// maxMicros is the latest time, and the longest one, in µs: two of them fit 64 bits in ns.
const maxMicros = math.MaxInt64 / 1000

// span is one of the list. Its memory is used again for the next.
type span struct {
	trace          id.Trace
	id, parent     id.Span
	kind           uint64
	start, took    uint64 // ns
	name, service  []byte
	scope, version []byte
	status         status
	attributes     []byte // as fields of the span
	events         []byte
	elements       int // attributes and events
	mark           *otlp.Mark
	buf            []byte
}

func (s *span) reset() {
	*s = span{
		kind: kindInternal, name: s.name[:0], service: s.service[:0], scope: s.scope[:0], version: s.version[:0],
		attributes: s.attributes[:0], events: s.events[:0],
		status: status{message: s.status.message[:0], fault: s.status.fault[:0]}, buf: s.buf,
	}
}

// append writes s as a field of its scope.
func (s *span) append(dst []byte) []byte {
	b := s.buf[:0]
	b = appendText(b, spanTrace, s.trace[:])
	b = appendText(b, spanID, s.id[:])
	if !s.parent.IsZero() {
		b = appendText(b, spanParent, s.parent[:])
	}
	b = appendText(b, spanName, s.name)
	b = appendNumber(b, spanKind, s.kind)
	if b = appendTime(b, spanStart, s.start); s.start > 0 && s.took > 0 {
		b = appendTime(b, spanEnd, s.start+s.took)
	}
	b = append(append(b, s.attributes...), s.events...)
	b = appendStatus(b, s.status.code, s.status.message)
	s.buf = b
	return append(appendHead(dst, scopeSpansSpan, len(b)), b...)
}

// readSpan reads one value of the list into t.span.
func (t *transcoder) readSpan() {
	s := &t.span
	s.reset()
	t.object(t.member)
	if s.status.settle() {
		t.attribute("error", s.status.fault)
	}
	if s.trace.IsZero() {
		t.missing("traceId", otlp.FaultTraceID)
	}
	if s.id.IsZero() {
		t.missing("id", otlp.FaultSpanID)
	}
}

// member reads the value behind a key of a span.
func (t *transcoder) member(key []byte) {
	s := &t.span
	var read func()
	switch string(key) {
	case "traceId":
		read = func() { t.id(s.trace[:], otlp.FaultTraceID) }
	case "id":
		read = func() { t.id(s.id[:], otlp.FaultSpanID) }
	case "parentId":
		read = func() { t.id(s.parent[:], otlp.FaultParentID) }
	case "name":
		read = func() { t.copyText(&s.name) }
	case "kind":
		read = t.kind
	case "timestamp":
		read = func() { s.start = t.integer(maxMicros) * 1000 }
	case "duration":
		read = func() { s.took = t.integer(maxMicros) * 1000 }
	case "localEndpoint":
		read = t.localEndpoint
	case "remoteEndpoint":
		read = t.remoteEndpoint
	case "annotations":
		read = t.annotations
	case "tags":
		read = t.tags
	case "debug":
		read = func() { t.flag("zipkin.debug") }
	case "shared":
		read = func() { t.flag("zipkin.shared") }
	default:
		t.Skip()
		return
	}
	t.enter(step{name: string(key)}, read)
}

func (t *transcoder) kind() {
	name, ok := t.text()
	if !ok {
		return
	}
	switch string(name) {
	case "CLIENT":
		t.span.kind = kindClient
	case "SERVER":
		t.span.kind = kindServer
	case "PRODUCER":
		t.span.kind = kindProducer
	case "CONSUMER":
		t.span.kind = kindConsumer
	default:
		t.fault(otlp.FaultValue, "%s, want CLIENT, SERVER, PRODUCER or CONSUMER", clip(name))
	}
}

// id reads an id into to. One of zeros is none.
func (t *transcoder) id(to []byte, f otlp.Fault) {
	hex, ok := t.text()
	if !ok {
		return
	}
	clear(to)
	if len(hex) == 0 || len(hex) > 2*len(to) || !setHex(to, hex) {
		clear(to)
		t.fault(f, "%s, want 1 to %d hex digits", clip(hex), 2*len(to))
		return
	}
	if f != otlp.FaultParentID && len(bytes.Trim(to, "\x00")) == 0 {
		t.fault(f, "all zero, want an id")
	}
}

// setHex puts digits at the end of to, which is zero. It is false if one is none.
func setHex(to, digits []byte) bool {
	for i, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return false
		}
		place := len(digits) - 1 - i
		to[len(to)-1-place/2] |= c << (4 * (place % 2))
	}
	return true
}

// missing marks a span without one of its ids.
func (t *transcoder) missing(key string, f otlp.Fault) {
	t.path = append(t.path, step{name: key})
	t.fault(f, "missing, want an id")
	t.path = t.path[:len(t.path)-1]
}

// integer reads a number, in quotes or not.
func (t *transcoder) integer(most uint64) uint64 {
	var digits []byte
	switch c := t.Peek(); {
	case c == '"':
		digits = t.Text()
	case c == '-' || c >= '0' && c <= '9':
		digits = t.Literal()
	default:
		t.misfit("an integer")
		return 0
	}
	v, ok := jsonscan.Integer(string(digits), 0, most)
	if !ok {
		t.fault(otlp.FaultValue, "%s, want an integer from 0 to %d", clip(digits), most)
		return 0
	}
	return v
}

// flag reads a bool, and keeps it as an attribute if it is true.
func (t *transcoder) flag(key string) {
	if c := t.Peek(); c != 't' && c != 'f' {
		t.misfit("true or false")
		return
	}
	if string(t.Literal()) == "true" && t.element() {
		t.span.attributes = appendScalar(t.span.attributes, key, valueBool, protowire.EncodeBool(true))
	}
}

// text reads a string. What it gives is valid until more is read.
func (t *transcoder) text() ([]byte, bool) {
	if t.Peek() != '"' {
		t.misfit("a string")
		return nil, false
	}
	b := t.Text()
	if !utf8.Valid(b) {
		t.fault(otlp.FaultUTF8, "not UTF-8")
		return nil, false
	}
	return b, true
}

// copyText reads a string into to.
func (t *transcoder) copyText(to *[]byte) {
	if b, ok := t.text(); ok {
		*to = append((*to)[:0], b...)
	}
}

// attribute adds an attribute of text.
func (t *transcoder) attribute(key string, value []byte) {
	if t.element() {
		t.span.attributes = appendAttribute(t.span.attributes, spanAttribute, key, value)
	}
}

// element counts one more attribute or event, and tells whether the span may have it.
func (t *transcoder) element() bool {
	if t.span.elements++; t.span.elements > otlp.MaxCount {
		t.fault(otlp.FaultCount, "more than %d tags and annotations", otlp.MaxCount)
		return false
	}
	return true
}

// misfit passes over a value of the wrong type.
func (t *transcoder) misfit(want string) {
	what := t.Kind()
	t.Skip()
	t.fault(otlp.FaultValue, "%s, want %s", what, want)
}

// fault marks the span, the first time only.
func (t *transcoder) fault(f otlp.Fault, format string, args ...any) {
	if t.span.mark == nil {
		t.span.mark = &otlp.Mark{Path: t.pathText(), Text: fmt.Sprintf(format, args...), Fault: f}
	}
}

// clip quotes a text that came, or says how long it is.
func clip(s []byte) string {
	if len(s) > 48 {
		return fmt.Sprintf("%d characters", len(s))
	}
	return fmt.Sprintf("%q", s)
}
