package cases

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/otlp"
)

// answer is what one request was answered with, over HTTP or gRPC.
type answer struct {
	http   int // status; 0 over gRPC
	header http.Header
	body   []byte
	grpc   *status.Status // nil over HTTP
}

// transport is how requests in OTLP/JSON are sent: as they are, or turned into protobuf.
type transport string

const (
	asWritten    transport = "as written"
	httpProtobuf transport = "http/protobuf"
	overGRPC     transport = "grpc"
)

// signalOf tells the signal of a path, and the method of its service.
func signalOf(path string) (s otlp.Signal, method string) {
	for s, service := range map[otlp.Signal]string{
		otlp.SignalTraces: "trace.v1.TraceService", otlp.SignalLogs: "logs.v1.LogsService", otlp.SignalMetrics: "metrics.v1.MetricsService",
	} {
		if path == "/v1/"+s.String() {
			return s, "/opentelemetry.proto.collector." + service + "/Export"
		}
	}
	return 0, ""
}

// send performs a step that sends, as often as it says, and gives every answer.
func (r *run) send(ctx context.Context, s step) ([]answer, error) {
	if s.Path == "" {
		s.Path = "/v1/" + r.scenario.Signal
	}
	s, err := r.via.turn(s)
	if err != nil {
		return nil, err
	}
	once := map[string]func(context.Context, step) (answer, error){
		"send_http": r.product.sendHTTP, "send_grpc": r.product.sendGRPC, "send_tcp": r.product.sendTCP,
	}[s.Do]
	answers := make([]answer, max(s.Times, 1))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(s.Parallel, 1))
	for i := range answers {
		group.Go(func() (err error) {
			answers[i], err = once(ctx, s)
			return err
		})
	}
	return answers, group.Wait()
}

// turn gives the step as the transport wants it.
func (t transport) turn(s step) (step, error) {
	if s.JSON == nil || t == asWritten && s.Do != "send_grpc" {
		return s, nil
	}
	signal, _ := signalOf(s.Path)
	b, marks, err := otlp.Transcode(nil, signal, s.JSON, math.MaxInt)
	if err != nil {
		return s, fmt.Errorf("transcode: %w", err)
	}
	if len(marks) > 0 {
		return s, fmt.Errorf("transcode: %s: %s", marks[0].Path, marks[0].Text)
	}
	s.JSON, s.Body, s.Headers = nil, b, map[string]string{"Content-Type": "application/x-protobuf"}
	if t == overGRPC {
		s.Do, s.Headers = "send_grpc", nil
	}
	return s, nil
}

const sendLimit = 30 * time.Second

func (s step) body() []byte {
	if s.JSON != nil {
		return s.JSON
	}
	return s.Body
}

func (p *product) sendHTTP(ctx context.Context, s step) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	method := s.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, p.http+s.Path, bytes.NewReader(s.body()))
	if err != nil {
		return answer{}, err
	}
	for name, value := range s.Headers {
		req.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{http: resp.StatusCode, header: resp.Header, body: body}, err
}

func (p *product) sendGRPC(ctx context.Context, s step) (answer, error) {
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(ctx, metadata.New(s.Headers)), sendLimit)
	defer cancel()
	_, method := signalOf(s.Path)
	if method == "" {
		method = s.Path
	}
	var a answer
	err := p.conn.Invoke(ctx, method, s.body(), &a.body, grpc.WaitForReady(true))
	if a.grpc = status.Convert(err); a.grpc == nil {
		a.grpc = status.New(codes.OK, "")
	}
	return a, nil
}

// sendTCP writes to the port of OTLP over HTTP and reads to the end. The answer is what came, as the body, and its status
// line's code if it has one.
func (p *product) sendTCP(ctx context.Context, s step) (answer, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(p.http, "http://"))
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(sendLimit)); err != nil {
		return answer{}, err
	}
	if _, err := conn.Write(s.body()); err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(conn)
	a := answer{body: text, header: http.Header{}}
	if _, scanned := fmt.Sscanf(string(text), "HTTP/1.1 %d", &a.http); scanned != nil {
		a.http = 0
	}
	return a, err
}
