package ingestion

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

func (s *Service) httpServer() *http.Server {
	return &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
}

// ServeHTTP is OTLP over HTTP.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	signal, known := map[string]otlp.Signal{"/v1/traces": otlp.SignalTraces, "/v1/logs": otlp.SignalLogs, "/v1/metrics": otlp.SignalMetrics}[r.URL.Path]
	switch {
	case !known:
		answer(w, kind, http.StatusNotFound, status.Newf(codes.NotFound, "path %q, want /v1/traces, /v1/logs or /v1/metrics", r.URL.Path))
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		answer(w, kind, http.StatusMethodNotAllowed, status.Newf(codes.Unimplemented, "method %s, want POST", r.Method))
	case kind != typeProtobuf && kind != typeJSON:
		answer(w, kind, http.StatusUnsupportedMediaType, status.Newf(codes.InvalidArgument, "content-type %q, want %s or %s", r.Header.Get("Content-Type"), typeProtobuf, typeJSON))
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "gzip" && r.Header.Get("Content-Encoding") != "identity":
		answer(w, kind, http.StatusUnsupportedMediaType, status.Newf(codes.InvalidArgument, "content-encoding %q, want gzip or none", r.Header.Get("Content-Encoding")))
	default:
		s.post(w, r, signal, kind)
	}
}

func (s *Service) post(w http.ResponseWriter, r *http.Request, signal otlp.Signal, kind string) {
	st := s.streams[signal]
	st.requests.Add(1)
	b, held, err := s.body(r)
	defer func() { s.inFlight.Add(-held) }()
	if err != nil {
		st.refuse(reason(err), 1)
		fail(w, kind, err)
		return
	}
	var marks []otlp.Mark
	if kind == typeJSON {
		if b, marks, err = s.fromJSON(signal, b, &held); err != nil {
			st.refuse(reason(err), 1)
			fail(w, kind, err)
			return
		}
	}
	out, err := s.accept(r.Context(), signal, b, marks, kind == typeJSON)
	if err != nil {
		fail(w, kind, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	if kind == typeJSON {
		_, _ = w.Write(out.json(signal))
		return
	}
	_, _ = w.Write(out.protobuf())
}

// fromJSON gives the protobuf form, which is held as well.
func (s *Service) fromJSON(signal otlp.Signal, body []byte, held *int64) ([]byte, []otlp.Mark, error) {
	if err := s.reserve(int64(len(body))); err != nil {
		return nil, nil, err
	}
	*held += int64(len(body))
	b, marks, err := otlp.Transcode(make([]byte, 0, len(body)), signal, body)
	switch {
	case err != nil:
		return nil, nil, status.Error(codes.InvalidArgument, err.Error())
	case len(b) > s.cfg.MaxBytes: // lists of short numbers grow
		return nil, nil, tooLarge(s.cfg.MaxBytes)
	}
	return b, marks, nil
}

// body reads and unpacks a request, and counts its bytes against the ceiling as they come; held are to be given back.
func (s *Service) body(r *http.Request) (b []byte, held int64, err error) {
	if r.ContentLength > int64(s.cfg.MaxBytes) {
		return nil, 0, tooLarge(s.cfg.MaxBytes)
	}
	var in io.Reader = io.LimitReader(r.Body, int64(s.cfg.MaxBytes)+1)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, 0, status.Errorf(codes.InvalidArgument, "unpack gzip: %v", err)
		}
		in = z
	}
	for {
		if len(b) == cap(b) {
			grow := int64(max(len(b), 32<<10))
			if err := s.reserve(grow); err != nil {
				return nil, held, err
			}
			held += grow
			b = append(make([]byte, 0, len(b)+int(grow)), b...)
		}
		n, err := in.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > s.cfg.MaxBytes:
			return nil, held, tooLarge(s.cfg.MaxBytes)
		case errors.Is(err, io.EOF):
			return b, held, nil
		case err != nil:
			return nil, held, status.Errorf(codes.InvalidArgument, "read body: %v", err)
		}
	}
}

func (o outcome) protobuf() []byte {
	if o.refused == 0 && o.message == "" {
		return []byte{}
	}
	p := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(o.refused))
	p = protowire.AppendString(protowire.AppendTag(p, 2, protowire.BytesType), o.message)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), p)
}

func (o outcome) json(signal otlp.Signal) []byte {
	if o.refused == 0 && o.message == "" {
		return []byte("{}")
	}
	message, _ := json.Marshal(o.message) // a string always can be
	name := [...]string{"rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"}[signal]
	return fmt.Appendf(nil, `{"partialSuccess":{%q:"%d","errorMessage":%s}}`, name, o.refused, message)
}

func fail(w http.ResponseWriter, kind string, err error) {
	st := status.Convert(err)
	code := map[codes.Code]int{codes.InvalidArgument: 400, codes.ResourceExhausted: 413, codes.Unavailable: 503, codes.Canceled: 503, codes.DeadlineExceeded: 503}[st.Code()]
	if code == 0 {
		code = http.StatusInternalServerError
	}
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	}
	answer(w, kind, code, st)
}

// answer writes a google.rpc.Status in the type of the request; protobuf if that is neither.
func answer(w http.ResponseWriter, kind string, code int, st *status.Status) {
	marshal := proto.Marshal
	if kind == typeJSON {
		marshal = protojson.Marshal
	} else {
		kind = typeProtobuf
	}
	b, _ := marshal(st.Proto()) // a status always can be
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(b)
}

// reason is the ledger's word for why a request was not taken.
func reason(err error) string {
	switch status.Code(err) {
	case codes.ResourceExhausted:
		return "too_large"
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		return "overload"
	}
	return "malformed"
}
