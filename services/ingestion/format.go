package ingestion

import (
	"mime"
	"net/http"
	"strings"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/zipkin"
)

// format is how a request is written.
type format uint8

const (
	otlpProtobuf format = iota
	otlpJSON
	zipkinJSON // a list of spans of Zipkin v2
)

const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

// zipkinPath is where clients of Zipkin send spans.
const zipkinPath = "/api/v2/spans"

// formatOf is the format of a request by its head; false when it is none that is known. The answer is in that format.
func formatOf(r *http.Request) (format, bool) {
	kind := r.Header.Get("Content-Type")
	if kind != typeProtobuf && kind != typeJSON { // parameters, letter case, or another
		kind, _, _ = mime.ParseMediaType(kind)
	}
	switch {
	case r.URL.Path == zipkinPath:
		return zipkinJSON, kind == typeJSON
	case kind == typeProtobuf:
		return otlpProtobuf, true
	case kind == typeJSON:
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

// types are those that a client may send where it sends f.
func (f format) types() string {
	if f == zipkinJSON {
		return typeJSON
	}
	return typeProtobuf + " or " + typeJSON
}

// transcode turns a body in f, which is not protobuf, into a request in protobuf; see otlp.Transcode.
func (f format) transcode(dst []byte, s otlp.Signal, body []byte, limit int) ([]byte, []otlp.Mark, error) {
	if f == zipkinJSON {
		return zipkin.Transcode(dst, body, limit)
	}
	return otlp.Transcode(dst, s, body, limit)
}

// encodings are those of a request over HTTP, but for identity.
var encodings = [...]string{"gzip", "zstd"}

// encodingIn gives how the body of r is packed, nothing if it is not.
func encodingIn(r *http.Request) string {
	e := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	if e == "identity" {
		return ""
	}
	return e
}
