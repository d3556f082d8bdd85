package ingestion

import (
	"mime"
	"net/http"
	"strings"
)

// format is how a request is written.
type format uint8

const (
	otlpProtobuf format = iota
	otlpJSON
)

const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

// formatOf is the format of a request by its head; false when it is none that is known.
func formatOf(r *http.Request) (format, bool) {
	kind := r.Header.Get("Content-Type")
	if kind != typeProtobuf && kind != typeJSON { // parameters, letter case, or another
		kind, _, _ = mime.ParseMediaType(kind)
	}
	switch kind {
	case typeProtobuf:
		return otlpProtobuf, true
	case typeJSON:
		return otlpJSON, true
	}
	return otlpProtobuf, false
}

// contentType is how an answer in f calls itself.
func (f format) contentType() string {
	if f == otlpProtobuf {
		return typeProtobuf
	}
	return typeJSON
}

// encodings are those of a request over HTTP, but for identity.
var encodings = []string{"gzip", "zstd"}

// encodingIn gives how the body of r is packed, nothing if it is not.
func encodingIn(r *http.Request) string {
	e := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	if e == "identity" {
		return ""
	}
	return e
}
