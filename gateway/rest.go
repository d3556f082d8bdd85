package gateway

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/triflow/triflow/gateway/openapi"
	"github.com/triflow/triflow/pkg/rpc"
	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
)

// mountREST serves the contracts' google.api.http bindings under /api/, and their OpenAPI description.
func mountREST(mux *http.ServeMux, conn func(string) grpc.ClientConnInterface) error {
	rest := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &marshaler{runtime.JSONPb{
			MarshalOptions: protojson.MarshalOptions{EmitDefaultValues: true},
		}}),
		runtime.SetQueryParameterParser(strictQuery{}),
		runtime.WithErrorHandler(answerError),
		runtime.WithRoutingErrorHandler(answerRoutingError),
	)
	for _, s := range services() {
		if err := s.rest(context.Background(), rest, conn(s.name)); err != nil {
			return fmt.Errorf("serve REST of %s: %w", s.name, err)
		}
	}
	mux.Handle("/api/", rest)
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openapi.Document)
	})
	return nil
}

// marshaler writes JSON as protobuf has it, except that the ids of a trace's spans are hex, as OTLP has them.
type marshaler struct{ runtime.JSONPb }

// Marshal implements runtime.Marshaler.
func (m *marshaler) Marshal(v any) ([]byte, error) {
	if t, is := v.(*assemblyv1.GetTraceResponse); is {
		v = hexIDs(t)
	}
	return m.JSONPb.Marshal(v)
}

// hexIDs gives a copy of t whose ids come out as hex from an encoder that writes bytes in base64: 32 or 16 hex digits
// are themselves base64 text, and the bytes that this text decodes to are put in place of the id.
func hexIDs(t *assemblyv1.GetTraceResponse) *assemblyv1.GetTraceResponse {
	t = proto.CloneOf(t)
	for _, resource := range t.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				span.TraceId, span.SpanId, span.ParentSpanId = asHex(span.TraceId), asHex(span.SpanId), asHex(span.ParentSpanId)
				for _, link := range span.GetLinks() {
					link.TraceId, link.SpanId = asHex(link.TraceId), asHex(link.SpanId)
				}
			}
		}
	}
	return t
}

// asHex gives the bytes whose base64 is the hex of id. An id of any length but those of OTLP is left as it is.
func asHex(id []byte) []byte {
	if out, err := base64.StdEncoding.DecodeString(hex.EncodeToString(id)); err == nil {
		return out
	}
	return id
}

// strictQuery refuses a parameter that the request does not have, where grpc-gateway would pass over it.
type strictQuery struct{ lenient runtime.DefaultQueryParser }

// Parse implements runtime.QueryParameterParser.
func (q strictQuery) Parse(m proto.Message, values url.Values, filter *utilities.DoubleArray) error {
	for name, texts := range values {
		field := fieldAt(m.ProtoReflect().Descriptor(), strings.Split(name, "."))
		if field == nil {
			return fmt.Errorf("%s: not a parameter of this call, see /openapi.json", name)
		}
		if err := q.lenient.Parse(m, url.Values{name: texts}, filter); err != nil {
			return fmt.Errorf("%s: %q, want %s", name, strings.Join(texts, ","), wanted(field, err))
		}
	}
	return nil
}

// fieldAt finds the field that a dotted name leads to, nil without one.
func fieldAt(d protoreflect.MessageDescriptor, path []string) protoreflect.FieldDescriptor {
	f := d.Fields().ByTextName(path[0])
	if f == nil {
		f = d.Fields().ByJSONName(path[0])
	}
	if f == nil || len(path) == 1 {
		return f
	}
	if f.Message() == nil {
		return nil
	}
	return fieldAt(f.Message(), path[1:])
}

// wanted says what a field takes, and for one whose type does not tell, why what came was not taken.
func wanted(f protoreflect.FieldDescriptor, err error) string {
	switch {
	case f.Enum() != nil:
		var names []string
		for i := range f.Enum().Values().Len() {
			if v := f.Enum().Values().Get(i); v.Number() != 0 {
				names = append(names, string(v.Name()))
			}
		}
		return "one of " + strings.Join(names, ", ")
	case f.Message() != nil && f.Message().FullName() == "google.protobuf.Timestamp":
		return "a time such as 2026-01-02T15:04:05Z"
	case f.Message() != nil && f.Message().FullName() == "google.protobuf.Duration":
		return "seconds such as 0.25s"
	default:
		return f.Kind().String() + ": " + err.Error()
	}
}

// fault is how strictQuery begins the text of its errors.
var fault = regexp.MustCompile(`^([A-Za-z0-9_.]+): (.+)$`)

// answerError writes a google.rpc.Status. grpc-gateway makes text of what is wrong with a parameter; the field is
// taken out of it again.
func answerError(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if s := status.Convert(err); s.Code() == codes.InvalidArgument && len(s.Details()) == 0 {
		if part := fault.FindStringSubmatch(s.Message()); part != nil {
			err = rpc.InvalidArgument(part[1], part[2])
		}
	}
	runtime.DefaultHTTPErrorHandler(ctx, mux, m, w, r, err)
}

// answerRoutingError says which path or method is not served.
func answerRoutingError(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	err := error(&runtime.HTTPStatusError{HTTPStatus: code, Err: status.Error(codes.InvalidArgument, "the path is malformed")})
	switch code {
	case http.StatusNotFound:
		err = status.Errorf(codes.NotFound, "nothing is served at %s, see /openapi.json", r.URL.Path)
	case http.StatusMethodNotAllowed:
		err = &runtime.HTTPStatusError{HTTPStatus: code, Err: status.Errorf(codes.Unimplemented, "%s is not served at %s, see /openapi.json", r.Method, r.URL.Path)}
	}
	runtime.DefaultHTTPErrorHandler(ctx, mux, m, w, r, err)
}
