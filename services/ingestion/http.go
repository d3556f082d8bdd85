package ingestion

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/cors"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// httpServer serves HTTP/1.1, and HTTP/2 without TLS.
func (s *Service) httpServer() *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: s.forBrowsers(s), Protocols: &protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 1000, MaxReadFrameSize: 1 << 20},
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
}

// forBrowsers lets pages of the configured origins send.
func (s *Service) forBrowsers(h http.Handler) http.Handler {
	if len(s.cfg.CORSOrigins) == 0 {
		return h
	}
	return cors.New(cors.Options{
		AllowedOrigins: s.cfg.CORSOrigins, AllowedMethods: []string{http.MethodPost}, AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{"Retry-After"}, MaxAge: 7200,
	}).Handler(h)
}

// ServeHTTP takes OTLP over HTTP, and spans of Zipkin.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	defer func() {
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	defer s.guard("http", &err)
	form, _ := formatOf(r)
	signal, known := signalAt(r.URL.Path)
	if !known {
		fail(w, form, refuse(wrongPath, "path %q, want /v1/traces, /v1/logs, /v1/metrics or %s", r.URL.Path, zipkinPath))
		return
	}
	start := time.Now()
	out, no := s.post(r, signal)
	s.metrics.served(r.Context(), overHTTP, signal, time.Since(start), no)
	if no != nil {
		fail(w, form, no)
		return
	}
	accepted(w, form, signal, out)
}

func signalAt(path string) (otlp.Signal, bool) {
	switch path {
	case "/v1/traces", zipkinPath:
		return otlp.SignalTraces, true
	case "/v1/logs":
		return otlp.SignalLogs, true
	case "/v1/metrics":
		return otlp.SignalMetrics, true
	}
	return 0, false
}

func (s *Service) post(r *http.Request, signal otlp.Signal) (outcome, *refusal) {
	in := intake{s: s, stream: s.streams[signal], address: hostOf(r.RemoteAddr), credential: fingerprint(r.Header.Get("Authorization"))}
	defer in.end()
	if no := in.begin(r.Header.Get(s.cfg.TenantHeader)); no != nil {
		return outcome{}, in.refuse(no, 1)
	}
	form, no := in.unsupported(r)
	if no != nil {
		return outcome{}, in.refuse(no, 1)
	}
	b, no := in.body(r)
	defer func() { b.release() }()
	if no != nil {
		return outcome{}, in.refuse(no, 1)
	}
	var marks []otlp.Mark
	if form != otlpProtobuf {
		var out *buffer
		out, marks, no = in.fromJSON(form, signal, b)
		b.release()
		b = out
		if no != nil {
			return outcome{}, in.refuse(no, 1)
		}
	}
	return in.accept(r.Context(), signal, b, marks, form)
}

// unsupported refuses by the head of a request.
func (in *intake) unsupported(r *http.Request) (format, *refusal) {
	form, known := formatOf(r)
	encoding := encodingIn(r)
	switch {
	case r.Method != http.MethodPost:
		return form, refuse(wrongMethod, "method %s, want POST", r.Method)
	case !known:
		return form, refuse(wrongType, "content-type %q, want %s", r.Header.Get("Content-Type"), form.types())
	case encoding != "" && !slices.Contains(encodings[:], encoding):
		return form, refuse(wrongType, "content-encoding %q, want %s or none", encoding, strings.Join(encodings[:], ", "))
	case r.ContentLength > int64(in.s.cfg.MaxBytes):
		return form, overLimit(in.s.cfg.MaxBytes)
	}
	return form, nil
}

// body reads and unpacks a request. What was read belongs to the caller, also after a refusal.
func (in *intake) body(r *http.Request) (*buffer, *refusal) {
	b, no := in.fill("read body", r.Body, r.ContentLength)
	encoding := encodingIn(r)
	if no != nil || encoding == "" {
		return b, no
	}
	defer b.release()
	return in.unpack(encoding, b.bytes)
}

// accepted answers a request that was taken. Zipkin says no more than that.
func accepted(w http.ResponseWriter, f format, signal otlp.Signal, out outcome) {
	if f == zipkinJSON {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header()["Content-Type"] = []string{f.contentType()}
	if f == otlpJSON {
		_, _ = w.Write(out.json(signal))
		return
	}
	_, _ = w.Write(out.protobuf())
}

// fail answers a refusal.
func fail(w http.ResponseWriter, f format, r *refusal) {
	if r.retryable() {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(r.delay.Seconds()))))
	}
	if r.http == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	answer(w, f, r.http, r.GRPCStatus())
}

// answer writes a google.rpc.Status in the format of the request.
func answer(w http.ResponseWriter, f format, code int, st *status.Status) {
	marshal := proto.Marshal
	if f != otlpProtobuf {
		marshal = protojson.Marshal
	}
	b, _ := marshal(st.Proto()) // a status always can be
	w.Header().Set("Content-Type", f.contentType())
	w.WriteHeader(code)
	_, _ = w.Write(b)
}
