package ingestion

import (
	"mime"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
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
	if !known {
		fail(w, kind, refuse(wrongPath, "path %q, want /v1/traces, /v1/logs or /v1/metrics", r.URL.Path))
		return
	}
	start := time.Now()
	out, no := s.post(r, signal, kind)
	s.metrics.served(r.Context(), "http", signal, time.Since(start), no)
	if no != nil {
		fail(w, kind, no)
		return
	}
	w.Header().Set("Content-Type", kind)
	if kind == typeJSON {
		_, _ = w.Write(out.json(signal))
		return
	}
	_, _ = w.Write(out.protobuf())
}

func (s *Service) post(r *http.Request, signal otlp.Signal, kind string) (outcome, *refusal) {
	st := s.streams[signal]
	st.requests.Add(1)
	if no := unsupported(r, kind); no != nil {
		return outcome{}, st.refuse(no, 1)
	}
	b, held, no := s.body(r)
	defer func() { s.ceiling.release(held) }()
	if no != nil {
		return outcome{}, st.refuse(no, 1)
	}
	var marks []otlp.Mark
	if kind == typeJSON {
		if b, marks, no = s.fromJSON(signal, b, &held); no != nil {
			return outcome{}, st.refuse(no, 1)
		}
	}
	return s.accept(r.Context(), signal, b, marks, kind == typeJSON)
}

// unsupported refuses by the head of a request.
func unsupported(r *http.Request, kind string) *refusal {
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case r.Method != http.MethodPost:
		return refuse(wrongMethod, "method %s, want POST", r.Method)
	case kind != typeProtobuf && kind != typeJSON:
		return refuse(wrongType, "content-type %q, want %s or %s", r.Header.Get("Content-Type"), typeProtobuf, typeJSON)
	case encoding != "" && encoding != "gzip" && encoding != "identity":
		return refuse(wrongType, "content-encoding %q, want gzip or none", encoding)
	}
	return nil
}

// fromJSON gives the protobuf form, which is held as well. It may be longer than body: a number of one digit takes 8 bytes.
func (s *Service) fromJSON(signal otlp.Signal, body []byte, held *int64) ([]byte, []otlp.Mark, *refusal) {
	take := func(n int64) *refusal {
		no := s.ceiling.reserve(n)
		if no == nil {
			*held += n
		}
		return no
	}
	if no := take(int64(len(body))); no != nil {
		return nil, nil, no
	}
	b, marks, err := otlp.Transcode(make([]byte, 0, len(body)), signal, body)
	if err != nil {
		return nil, nil, refuse(malformed, "%v", err)
	}
	if len(b) > s.cfg.MaxBytes {
		return nil, nil, overLimit(s.cfg.MaxBytes)
	}
	if no := take(int64(cap(b) - len(body))); no != nil {
		return nil, nil, no
	}
	return b, marks, nil
}

// body reads and unpacks a request; held are to be given back.
func (s *Service) body(r *http.Request) (b []byte, held int64, no *refusal) {
	if r.ContentLength > int64(s.cfg.MaxBytes) {
		return nil, 0, overLimit(s.cfg.MaxBytes)
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		return s.unpack(r.Body)
	}
	return s.fill(r.Body)
}

func fail(w http.ResponseWriter, kind string, r *refusal) {
	switch r.http {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	answer(w, kind, r.http, r.GRPCStatus())
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
