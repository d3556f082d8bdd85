package zipkin

import (
	"strings"
	"unicode/utf8"

	"github.com/triflow/triflow/pkg/otlp"
)

// endpoint is one side of the wire.
type endpoint struct {
	service, v4, v6 []byte
	port            uint64
}

func (t *transcoder) localEndpoint() {
	e := t.endpoint()
	t.span.service = append(t.span.service[:0], e.service...)
	t.address("network.local.", e)
}

func (t *transcoder) remoteEndpoint() {
	e := t.endpoint()
	if len(e.service) > 0 {
		t.attribute("peer.service", e.service)
	}
	t.address("network.peer.", e)
}

// address adds the attributes of an endpoint by a prefix.
func (t *transcoder) address(prefix string, e endpoint) {
	address := e.v4
	if len(address) == 0 {
		address = e.v6
	}
	if len(address) > 0 {
		t.attribute(prefix+"address", address)
	}
	if e.port > 0 && t.element() {
		t.span.attributes = appendScalar(t.span.attributes, prefix+"port", valueInt, e.port)
	}
}

func (t *transcoder) endpoint() (e endpoint) {
	t.object(func(key []byte) {
		switch string(key) {
		case "serviceName":
			t.enter(step{name: "serviceName"}, func() { t.copyText(&e.service) })
		case "ipv4":
			t.enter(step{name: "ipv4"}, func() { t.copyText(&e.v4) })
		case "ipv6":
			t.enter(step{name: "ipv6"}, func() { t.copyText(&e.v6) })
		case "port":
			t.enter(step{name: "port"}, func() { e.port = t.integer(1<<16 - 1) })
		default:
			t.Skip()
		}
	})
	return e
}

// object reads an object, or faults.
func (t *transcoder) object(member func(key []byte)) {
	if t.Peek() != '{' {
		t.misfit("an object")
		return
	}
	t.Object(member)
}

func (t *transcoder) annotations() {
	if t.Peek() != '[' {
		t.misfit("an array")
		return
	}
	t.Array(func(i int) { t.enter(step{index: i}, t.annotation) })
}

func (t *transcoder) annotation() {
	var at uint64
	var value []byte
	t.object(func(key []byte) {
		switch string(key) {
		case "timestamp":
			t.enter(step{name: "timestamp"}, func() { at = t.integer(maxMicros) * 1000 })
		case "value":
			t.enter(step{name: "value"}, func() { t.copyText(&value) })
		default:
			t.Skip()
		}
	})
	if t.element() {
		t.span.events = appendEvent(t.span.events, at, value)
	}
}

func (t *transcoder) tags() {
	t.object(func(key []byte) {
		name := string(key)
		t.enter(step{name: nameOf(name)}, func() {
			if !utf8.ValidString(name) {
				t.fault(otlp.FaultUTF8, "not UTF-8")
				t.Skip()
				return
			}
			if value, ok := t.tagValue(); ok && !t.span.special(name, value) {
				t.attribute(name, value)
			}
		})
	})
}

// nameOf is the key of a tag as it stands in a path.
func nameOf(key string) string {
	const most = 64
	return strings.ToValidUTF8(key[:min(len(key), most)], "\uFFFD")
}

// tagValue reads a text; a number or bool without quotes is taken as it is written. It is valid until more is read.
func (t *transcoder) tagValue() ([]byte, bool) {
	switch t.Peek() {
	case '"', '{', '[':
		return t.text()
	}
	return t.Literal(), true
}

// special takes a tag that OTLP has a field for, or is false.
func (s *span) special(key string, value []byte) bool {
	switch key {
	case "error":
		s.status.failed, s.status.fault = true, append(s.status.fault[:0], value...)
	case "otel.status_code":
		return s.status.setCode(string(value))
	case "otel.status_description":
		s.status.message = append(s.status.message[:0], value...)
	case "otel.scope.name", "otel.library.name":
		s.scope = append(s.scope[:0], value...)
	case "otel.scope.version", "otel.library.version":
		s.version = append(s.version[:0], value...)
	default:
		return false
	}
	return true
}

// status is what the tags of a span say of its outcome.
type status struct {
	code    uint64
	message []byte
	failed  bool   // there is a tag error
	fault   []byte // its text
}

func (s *status) setCode(name string) bool {
	switch strings.ToUpper(name) {
	case "UNSET":
		s.code = 0
	case "OK":
		s.code = statusOK
	case "ERROR":
		s.code = statusError
	default:
		return false
	}
	return true
}

// settle puts together what the tags say. It is true if the text of the tag error has no place in a status.
func (s *status) settle() bool {
	switch {
	case !s.failed:
		return false
	case s.code == statusOK, string(s.fault) == "false":
		return true
	}
	s.code = statusError
	switch text := string(s.fault); {
	case text == "" || text == "true" || text == string(s.message):
		return false
	case len(s.message) > 0:
		return true
	}
	s.message = append(s.message, s.fault...)
	return false
}
