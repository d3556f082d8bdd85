package export_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/export"
)

func TestSmallRequestsGoOutAsFewAndEachIsDoneOnce(t *testing.T) {
	const n = 500
	b := newBackend(t, "grpc", first(reply{err: status.Error(codes.Unavailable, "starting")}))
	cfg := quick(export.RoundRobin, b)
	cfg.Concurrency, cfg.Join.Items = 1, 100
	r := run(t, cfg)
	var done []<-chan struct{}
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i))
		done = append(done, r.push(request(t, want[i], 1), 1))
	}
	for _, d := range done {
		<-d
	}
	require.ElementsMatch(t, want, b.names())
	require.Less(t, b.requests, n)
	require.GreaterOrEqual(t, b.requests, 1+n/100)
}

func TestABackendThatChokesOnOneBatchGetsTheOthers(t *testing.T) {
	for reason, poisoned := range map[string]reply{
		"InvalidArgument": {err: status.Error(codes.InvalidArgument, "bad")}, "ResourceExhausted": {err: status.Error(codes.ResourceExhausted, "too large")},
		"Internal": {err: status.Error(codes.Internal, "a panic")}, "Unknown": {err: status.Error(codes.Unknown, "odd")},
		"HTTP 400": {status: 400}, "HTTP 413": {status: 413}, "HTTP 422": {status: 422}, "HTTP 500": {status: 500},
	} {
		t.Run(reason, func(t *testing.T) {
			scheme := "grpc"
			if poisoned.status != 0 {
				scheme = "http"
			}
			b := newBackend(t, scheme, nil)
			b.judge = func(r *collectorv1.ExportTraceServiceRequest) reply {
				for _, rs := range r.GetResourceSpans() {
					if rs.GetScopeSpans()[0].GetSpans()[0].GetName() == "poison" {
						return poisoned
					}
				}
				return reply{}
			}
			r := run(t, quick(export.RoundRobin, b))
			var done []<-chan struct{}
			var want []string
			for i := range 20 {
				of := fmt.Sprint("good ", i)
				if i == 13 {
					of = "poison"
				} else {
					want = append(want, of)
				}
				done = append(done, r.push(request(t, of, 1), 1))
			}
			for _, d := range done {
				<-d
			}
			require.ElementsMatch(t, want, b.names())
			require.Equal(t, map[string]uint64{reason: 1}, r.Stats().Dropped)
			require.Equal(t, uint64(1), r.fault("refused").Items)
		})
	}
}

func TestWhatAPartOfAJointRequestLacksIsCountedOnce(t *testing.T) {
	b := newBackend(t, "http", first(reply{rejected: 2}))
	cfg := quick(export.RoundRobin, b)
	cfg.Join.Items = 6
	cfg.Join.Linger = 1 << 40
	r := run(t, cfg)
	one, two := r.push(request(t, "one", 1, 2, 3), 3), r.push(request(t, "two", 1, 2, 3), 3)
	<-one
	<-two
	require.Equal(t, uint64(2), r.Stats().Rejected)
	require.Equal(t, uint64(2), r.fault("refused").Items)
	require.Equal(t, 1, b.requests)
}

func TestEveryFaultOfJoiningAndTLSIsTold(t *testing.T) {
	cfg := quick(export.RoundRobin, &backend{scheme: "http", address: "a:1"})
	cfg.Compression, cfg.TenantHeader, cfg.Join = "lzma", "a b", export.Join{Items: -1, Bytes: -1, Linger: -1}
	cfg.Endpoints = append(cfg.Endpoints, []export.Endpoint{
		{URL: "https://a:2", TLS: export.TLS{InsecureSkipVerify: true}},
		{URL: "grpcs://a:3", TLS: export.TLS{CertFile: "cert.pem"}},
		{URL: "grpc://a:4", TLS: export.TLS{ServerName: "b"}},
		{URL: "https://me:hunter2@a:5"},
		{URL: "https://a:6", Secrets: map[string]export.Secret{"grpc-odd": {Env: "A"}}},
		{URL: "grpcs://a"},
	}...)
	err := cfg.Validate()
	for _, want := range []string{
		`compression: "lzma", want gzip, zstd or none`, `tenant_header: "a b", want a name`, "join.items: -1, want at least 1",
		"join.bytes: -1, want at least 1", "join.linger: -1ns, want more than 0",
		"endpoints[1].tls.insecure_skip_verify: true, want the certificate in ca_file",
		`endpoints[2].tls.cert_file and key_file: "cert.pem" and "", want both or none`,
		"endpoints[3].tls: given for grpc://a:4, want grpcs:// or https://",
		"endpoints[4].url: user and password in it", `endpoints[5].secrets: "grpc-odd"`, "want grpcs://host:port",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "hunter2")
}
