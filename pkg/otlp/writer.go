package otlp

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

// Writer joins spans into a request. The zero value is ready. It copies what it is given; one goroutine uses it.
type Writer struct {
	out    []byte // finished ResourceSpans
	scopes []byte // finished ScopeSpans of the open resource
	spans  []byte // spans of the open scope, with tags and lengths

	open                                 bool
	resource, schema, scope, scopeSchema []byte
}

// Add appends a span. Neighbours with equal resource and scope bytes come under one message. A nil resource, scope or
// schema leaves the field out; fields inside of span that OTLP has added since survive.
func (w *Writer) Add(resource, resourceSchema, scope, scopeSchema, span []byte) {
	sameResource := w.open && same(w.resource, resource) && same(w.schema, resourceSchema)
	if !sameResource {
		w.closeResource()
		w.resource, w.schema = keep(w.resource, resource), keep(w.schema, resourceSchema)
	}
	if !sameResource || !same(w.scope, scope) || !same(w.scopeSchema, scopeSchema) {
		w.closeScope()
		w.scope, w.scopeSchema = keep(w.scope, scope), keep(w.scopeSchema, scopeSchema)
	}
	w.open = true
	w.spans = appendBytes(w.spans, 2, span)
}

// Bytes gives the request with all that was added, and resets the writer, which may not be used while the bytes are.
func (w *Writer) Bytes() []byte {
	w.closeResource()
	out := w.out
	w.out = w.out[:0]
	return out
}

func (w *Writer) closeScope() {
	if len(w.spans) == 0 {
		return
	}
	n := sizeBytes(w.scope) + len(w.spans) + sizeBytes(w.scopeSchema)
	w.scopes = appendHead(w.scopes, 2, n)
	w.scopes = appendIf(w.scopes, 1, w.scope)
	w.scopes = append(w.scopes, w.spans...)
	w.scopes = appendIf(w.scopes, 3, w.scopeSchema)
	w.spans = w.spans[:0]
}

func (w *Writer) closeResource() {
	w.closeScope()
	if len(w.scopes) > 0 {
		n := sizeBytes(w.resource) + len(w.scopes) + sizeBytes(w.schema)
		w.out = appendHead(w.out, 1, n)
		w.out = appendIf(w.out, 1, w.resource)
		w.out = append(w.out, w.scopes...)
		w.out = appendIf(w.out, 3, w.schema)
		w.scopes = w.scopes[:0]
	}
	w.open = false
}

// same tells absent from empty, as the wire does.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// keep copies b over old, nil staying nil.
func keep(old, b []byte) []byte {
	if b == nil {
		return nil
	}
	if old == nil {
		old = make([]byte, 0, len(b))
	}
	return append(old[:0], b...)
}

func appendHead(dst []byte, num protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.BytesType), uint64(n))
}

func appendBytes(dst []byte, num protowire.Number, b []byte) []byte {
	return append(appendHead(dst, num, len(b)), b...)
}

// appendIf appends a field that is there.
func appendIf(dst []byte, num protowire.Number, b []byte) []byte {
	if b == nil {
		return dst
	}
	return appendBytes(dst, num, b)
}

// sizeBytes is what appendIf appends for a field number below 16.
func sizeBytes(b []byte) int {
	if b == nil {
		return 0
	}
	return 1 + protowire.SizeBytes(len(b))
}
