package ingestion

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// limited is a config with a file of limits.
func limited(t *testing.T, text string) Config {
	cfg := small()
	cfg.Limits = filepath.Join(t.TempDir(), "limits.yaml")
	require.NoError(t, os.WriteFile(cfg.Limits, []byte(text), 0o600))
	return cfg
}

func TestATenantAboveItsRateIsToldWhenToComeAgainAndTheOthersAreServed(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, limited(t, "tenants: {acme: {requests_per_second: 0.001}}"), t.TempDir(), to)
	as := func(tenant string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/v1/traces", bytes.NewReader(request(t, span(1))))
		require.NoError(t, err)
		req.Header.Set("Content-Type", typeProtobuf)
		req.Header.Set("X-Scope-OrgID", tenant)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())

		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", tenant)
		var out []byte
		return resp, r.conn.Invoke(ctx, traceExport, request(t, span(1)), &out, grpc.ForceCodecV2(raw{}))
	}
	resp, err := as("acme") // the first takes the one token that there is
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.ErrorContains(t, err, "acme")
	require.ErrorContains(t, err, "0.001 requests per second")
	require.IsType(t, &errdetails.RetryInfo{}, status.Convert(err).Details()[0])

	resp, err = as("acme")
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	require.Error(t, err)
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	require.NoError(t, err)
	require.Greater(t, seconds, 1)

	resp, err = as("other-tenant")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	r.served(t)
}

func TestTenantsAreToldWithWhatWasRefused(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, limited(t, "default: {items_per_second: 1}\ntenants: {acme: {items_per_second: 1e6, weight: 3}}"), t.TempDir(), to)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", "acme")
	var out []byte
	faulty := span(1)
	faulty.SpanId = nil
	require.NoError(t, r.conn.Invoke(ctx, traceExport, request(t, span(1), span(2), faulty), &out, grpc.ForceCodecV2(raw{})))
	_, err := r.call(t, []byte{0xff})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	ctx = metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", "no such/tenant")
	require.Equal(t, codes.InvalidArgument, status.Code(r.conn.Invoke(ctx, traceExport, request(t, span(1)), &out, grpc.ForceCodecV2(raw{}))))

	list, err := (&server{s: r.Service}).ListTenants(t.Context(), nil)
	require.NoError(t, err)
	found := map[string]*ingestionv1.Tenant{}
	for _, t := range list.GetTenants() {
		found[t.GetName()] = t
	}
	require.EqualValues(t, 2, found["acme"].GetAccepted())
	require.InDelta(t, 1e6, found["acme"].GetItemsPerSecond(), 0)
	require.Equal(t, "span_id", found["acme"].GetRefused()[0].GetReason())
	require.Equal(t, "malformed", found["default"].GetRefused()[0].GetReason())
	require.InDelta(t, 1, found["default"].GetItemsPerSecond(), 0)
}

func TestAFileOfLimitsWithFaultsIsRefusedWithEachOfThem(t *testing.T) {
	_, err := New(limited(t, "default: {items_per_second: -1}\ntenants: {acme: {weight: -2}}"), Deps{Rand: rand.Float64})
	require.ErrorContains(t, err, "default.items_per_second: -1")
	require.ErrorContains(t, err, "tenants.acme.weight: -2")
	_, err = New(limited(t, "default: {colour: 3}"), Deps{Rand: rand.Float64})
	require.ErrorContains(t, err, "default.colour")
	cfg := small()
	cfg.Limits = filepath.Join(t.TempDir(), "none.yaml")
	_, err = New(cfg, Deps{Rand: rand.Float64})
	require.ErrorIs(t, err, os.ErrNotExist)
}
