package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/gateway"
	"github.com/triflow/triflow/pkg/live"
	"github.com/triflow/triflow/pkg/rpc"
	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	"github.com/triflow/triflow/proto/gen/triflow/assembly/v1/assemblyv1connect"
	gatewayv1 "github.com/triflow/triflow/proto/gen/triflow/gateway/v1"
	"github.com/triflow/triflow/proto/gen/triflow/gateway/v1/gatewayv1connect"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const traceID = "0102030405060708090a0b0c0d0e0fff"

// assembly knows one trace.
type assembly struct {
	assemblyv1.UnimplementedAssemblyServiceServer
	searched *assemblyv1.SearchTracesRequest
}

func (a *assembly) GetTrace(_ context.Context, r *assemblyv1.GetTraceRequest) (*assemblyv1.GetTraceResponse, error) {
	if r.GetTraceId() != traceID {
		return nil, rpc.NotFound("trace", r.GetTraceId())
	}
	span := &tracepb.Span{
		TraceId: []byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xff"),
		SpanId:  []byte("\x00\x01\x02\x03\x04\x05\x06\xfe"),
		Links:   []*tracepb.Span_Link{{TraceId: []byte(strings.Repeat("\xaa", 16)), SpanId: []byte(strings.Repeat("\xbb", 8))}},
	}
	return &assemblyv1.GetTraceResponse{ResourceSpans: []*tracepb.ResourceSpans{{
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{span}}},
	}}}, nil
}

func (a *assembly) SearchTraces(_ context.Context, r *assemblyv1.SearchTracesRequest) (*assemblyv1.SearchTracesResponse, error) {
	a.searched = r
	if r.GetPageSize() > 200 {
		return nil, rpc.InvalidArgument("page_size", "500, want 1 to 200")
	}
	return &assemblyv1.SearchTracesResponse{}, nil
}

// start runs a gateway over the fake until the test ends and gives its address.
func start(t *testing.T, bus *live.Bus) (base string, backend *assembly) {
	t.Helper()
	i, err := rpc.NewInterceptors(slog.New(slog.DiscardHandler), noop.Meter{}, time.Minute)
	require.NoError(t, err)
	local := rpc.NewLocal(i, time.Minute)
	backend = &assembly{}
	assemblyv1.RegisterAssemblyServiceServer(local, backend)
	g, err := gateway.New(gateway.Config{Listen: "127.0.0.1:0"}, gateway.Deps{
		Log: slog.New(slog.DiscardHandler), Watch: i, Changes: bus,
		Conn:     func(string) grpc.ClientConnInterface { return local.Conn() },
		Admin:    http.NotFoundHandler(),
		Settings: []*gatewayv1.Setting{{Name: "data", Value: "/data"}},
		Page: fstest.MapFS{
			"index.html":      {Data: []byte("<!doctype html><title>Triflow</title>")},
			"assets/app-1.js": {Data: []byte("let a")},
		},
	})
	require.NoError(t, err)
	require.Error(t, g.Ready())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		http.DefaultClient.CloseIdleConnections()
	})
	return "http://" + g.Addr().String(), backend
}

func get(t *testing.T, url string) (code int, header http.Header, body string) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header, string(b)
}

func TestATraceComesOverRESTWithHexIDs(t *testing.T) {
	base, _ := start(t, &live.Bus{})
	code, header, body := get(t, base+"/api/v1/traces/"+traceID)
	require.Equal(t, http.StatusOK, code, body)
	require.Equal(t, "application/json", header.Get("Content-Type"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	var got struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID string
					Links                         []struct{ TraceID, SpanID string }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	span := got.ResourceSpans[0].ScopeSpans[0].Spans[0]
	require.Equal(t, traceID, span.TraceID)
	require.Equal(t, "00010203040506fe", span.SpanID)
	require.Empty(t, span.ParentSpanID)
	require.Equal(t, strings.Repeat("bb", 8), span.Links[0].SpanID)
}

func TestBadRequestsOverRESTNameTheField(t *testing.T) {
	base, backend := start(t, &live.Bus{})
	for name, c := range map[string]struct {
		path, field, message string
		code                 int
	}{
		"by the service":      {"/api/v1/traces?page_size=500", "page_size", "500, want 1 to 200", 400},
		"not a number":        {"/api/v1/traces?page_size=many", "page_size", `"many"`, 400},
		"not a time":          {"/api/v1/traces?start_time=yesterday", "start_time", `"yesterday", want a time such as`, 400},
		"not one of a few":    {"/api/v1/traces?status=bad", "status", `"bad", want one of STATUS_FILTER_`, 400},
		"not a duration":      {"/api/v1/traces?min_duration=long", "min_duration", `want seconds such as 0.25s`, 400},
		"not a parameter":     {"/api/v1/traces?colour=red", "colour", "not a parameter", 400},
		"an unknown trace":    {"/api/v1/traces/00", "", `trace "00" is not known`, 404},
		"an unknown path":     {"/api/v1/rockets", "", "nothing is served at /api/v1/rockets", 404},
		"outside the version": {"/api/v2/traces", "", "nothing is served", 404},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, body := get(t, base+c.path)
			require.Equal(t, c.code, code, body)
			var got struct {
				Code    int
				Message string
				Details []struct {
					Type            string `json:"@type"`
					FieldViolations []struct{ Field, Description string }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(body), &got), body)
			require.Contains(t, got.Message, c.message)
			if c.field != "" {
				require.Equal(t, "type.googleapis.com/google.rpc.BadRequest", got.Details[0].Type)
				require.Equal(t, c.field, got.Details[0].FieldViolations[0].Field)
			}
		})
	}
	code, _, body := get(t, base+"/api/v1/traces?service=cart&minDuration=0.5s&pageSize=20")
	require.Equal(t, 200, code, body)
	require.Equal(t, "cart", backend.searched.GetService())
	require.Equal(t, 500*time.Millisecond, backend.searched.GetMinDuration().AsDuration())
	require.Equal(t, int32(20), backend.searched.GetPageSize())

	resp, err := http.Post(base+"/api/v1/traces", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestConnectAndGRPCClientsCallTheSamePort(t *testing.T) {
	base, _ := start(t, &live.Bus{})
	ctx := context.Background()
	for name, options := range map[string][]connect.ClientOption{
		"connect": nil, "connect with JSON": {connect.WithProtoJSON()}, "gRPC-Web": {connect.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			client := assemblyv1connect.NewAssemblyServiceClient(http.DefaultClient, base, options...)
			got, err := client.GetTrace(ctx, connect.NewRequest(&assemblyv1.GetTraceRequest{TraceId: traceID}))
			require.NoError(t, err)
			require.Equal(t, byte(0xff), got.Msg.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetTraceId()[15])

			_, err = client.SearchTraces(ctx, connect.NewRequest(&assemblyv1.SearchTracesRequest{PageSize: 500}))
			require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
			var ce *connect.Error
			require.ErrorAs(t, err, &ce)
			require.Len(t, ce.Details(), 1)
			require.Equal(t, "google.rpc.BadRequest", ce.Details()[0].Type())
		})
	}
	conn, err := grpc.NewClient(strings.TrimPrefix(base, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	_, err = assemblyv1.NewAssemblyServiceClient(conn).GetTrace(ctx, &assemblyv1.GetTraceRequest{TraceId: "00"})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, err = samplingv1.NewSamplingServiceClient(conn).Decide(ctx, &samplingv1.DecideRequest{})
	require.Equal(t, codes.Unimplemented, status.Code(err), "what services say among themselves is not open to the outside")
}

func TestAWatcherHearsAResyncThenEveryChange(t *testing.T) {
	bus := &live.Bus{}
	base, _ := start(t, bus)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := gatewayv1connect.NewLiveServiceClient(http.DefaultClient, base).Watch(ctx, connect.NewRequest(&gatewayv1.WatchRequest{}))
	require.NoError(t, err)
	defer stream.Close()
	require.True(t, stream.Receive(), "%v", stream.Err())
	require.Equal(t, gatewayv1.ChangeKind_CHANGE_KIND_RESYNC, stream.Msg().GetKind())
	bus.Publish(ctx, live.Change{Kind: gateway.ChangedIncident, ID: "i1"})
	require.True(t, stream.Receive(), "%v", stream.Err())
	require.Equal(t, gatewayv1.ChangeKind_CHANGE_KIND_INCIDENT, stream.Msg().GetKind())
	require.Equal(t, "i1", stream.Msg().GetId())
}

func TestTheSettingsInForceAreServed(t *testing.T) {
	base, _ := start(t, &live.Bus{})
	code, _, body := get(t, base+"/api/v1/config")
	require.Equal(t, 200, code)
	require.Contains(t, body, `"/data"`)
}

func TestEveryViewOfThePageSurvivesAReload(t *testing.T) {
	base, _ := start(t, &live.Bus{})
	for _, path := range []string{"/", "/incidents/20261125T0", "/traces/" + traceID} {
		code, header, body := get(t, base+path)
		require.Equal(t, 200, code)
		require.Contains(t, body, "<title>Triflow")
		require.Equal(t, "no-cache", header.Get("Cache-Control"))
		require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	}
	code, header, body := get(t, base+"/assets/app-1.js")
	require.Equal(t, 200, code)
	require.Equal(t, "let a", body)
	require.Contains(t, header.Get("Cache-Control"), "immutable")
	code, _, _ = get(t, base+"/assets/app-0.js")
	require.Equal(t, 404, code, "an asset of another build is not a view")
	code, _, body = get(t, base+"/openapi.json")
	require.Equal(t, 200, code)
	require.True(t, json.Valid([]byte(body)))
}

func TestAnotherSiteCannotActThroughABrowser(t *testing.T) {
	base, _ := start(t, &live.Bus{})
	r, err := http.NewRequest(http.MethodPost, base+"/api/v1/remediations/x:approve", strings.NewReader("{}"))
	require.NoError(t, err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
}

func TestAPortThatIsTakenIsSaidAtOnce(t *testing.T) {
	base, _ := start(t, &live.Bus{})
	_, err := gateway.New(gateway.Config{Listen: strings.TrimPrefix(base, "http://")}, gateway.Deps{Changes: &live.Bus{}})
	require.ErrorContains(t, err, "gateway.listen: ")
	_, err = gateway.New(gateway.Config{Listen: "8080"}, gateway.Deps{})
	require.EqualError(t, err, `gateway.listen: "8080", want host:port`)
}
