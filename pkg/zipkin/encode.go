package zipkin

import "google.golang.org/protobuf/encoding/protowire"

// Numbers of the fields of OTLP that are written here; all are below 16.
const (
	requestResourceSpans     protowire.Number = 1
	resourceSpansResource    protowire.Number = 1
	resourceSpansScopeSpans  protowire.Number = 2
	scopeSpansScope          protowire.Number = 1
	scopeSpansSpan           protowire.Number = 2
	resourceAttribute        protowire.Number = 1
	scopeName, scopeVersion  protowire.Number = 1, 2
	spanTrace, spanID        protowire.Number = 1, 2
	spanParent, spanName     protowire.Number = 4, 5
	spanKind                 protowire.Number = 6
	spanStart, spanEnd       protowire.Number = 7, 8
	spanAttribute, spanEvent protowire.Number = 9, 11
	spanStatus               protowire.Number = 15
	statusMessage            protowire.Number = 2
	statusCode               protowire.Number = 3
	eventTime, eventName     protowire.Number = 1, 2
	pairKey, pairValue       protowire.Number = 1, 2
	valueString, valueBool   protowire.Number = 1, 2
	valueInt                 protowire.Number = 3
)

// The values of Status.code and Span.kind.
const (
	statusOK    = 1
	statusError = 2

	kindInternal = 1
	kindServer   = 2
	kindClient   = 3
	kindProducer = 4
	kindConsumer = 5
)

// text is what is written as a string: of a literal or of the body.
type text interface{ ~string | ~[]byte }

func appendHead(dst []byte, num protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.BytesType), uint64(n))
}

// appendText writes a text that is not empty.
func appendText[T text](dst []byte, num protowire.Number, s T) []byte {
	if len(s) == 0 {
		return dst
	}
	return append(appendHead(dst, num, len(s)), s...)
}

func sizeText[T text](s T) int {
	if len(s) == 0 {
		return 0
	}
	return sizeField(len(s))
}

// appendTime writes a time that is there.
func appendTime(dst []byte, num protowire.Number, nanos uint64) []byte {
	if nanos == 0 {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, num, protowire.Fixed64Type), nanos)
}

func appendNumber(dst []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.VarintType), v)
}

// appendAttribute writes an attribute of text, also if that is empty.
func appendAttribute[K, V text](dst []byte, num protowire.Number, key K, value V) []byte {
	v := sizeField(len(value))
	dst = appendHead(dst, num, sizeText(key)+sizeField(v))
	dst = appendHead(appendText(dst, pairKey, key), pairValue, v)
	return append(appendHead(dst, valueString, len(value)), value...)
}

// appendScalar writes an attribute that is a bool or an integer.
func appendScalar(dst []byte, key string, kind protowire.Number, v uint64) []byte {
	size := 1 + protowire.SizeVarint(v)
	dst = appendHead(dst, spanAttribute, sizeText(key)+sizeField(size))
	return appendNumber(appendHead(appendText(dst, pairKey, key), pairValue, size), kind, v)
}

// appendResource writes the resource of a service, nothing if it has no name.
func appendResource(dst, service []byte) []byte {
	if len(service) == 0 {
		return dst
	}
	attribute := appendAttribute(nil, resourceAttribute, "service.name", service)
	return append(appendHead(dst, resourceSpansResource, len(attribute)), attribute...)
}

// appendScope writes a scope, nothing if it has neither a name nor a version.
func appendScope(dst, name, version []byte) []byte {
	n := sizeText(name) + sizeText(version)
	if n == 0 {
		return dst
	}
	dst = appendText(appendHead(dst, scopeSpansScope, n), scopeName, name)
	return appendText(dst, scopeVersion, version)
}

// appendEvent writes an event of a span.
func appendEvent(dst []byte, nanos uint64, name []byte) []byte {
	n := sizeText(name)
	if nanos > 0 {
		n += 9
	}
	return appendText(appendTime(appendHead(dst, spanEvent, n), eventTime, nanos), eventName, name)
}

// appendStatus writes the status of a span, nothing if it says nothing.
func appendStatus(dst []byte, code uint64, message []byte) []byte {
	n := sizeText(message)
	if code > 0 {
		n += 2
	}
	if n == 0 {
		return dst
	}
	dst = appendText(appendHead(dst, spanStatus, n), statusMessage, message)
	if code == 0 {
		return dst
	}
	return appendNumber(dst, statusCode, code)
}
