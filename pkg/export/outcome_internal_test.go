package export

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestOnlyTheCodesThatOTLPNamesAreTriedAgain(t *testing.T) {
	retryable := map[codes.Code]bool{
		codes.Canceled: true, codes.DeadlineExceeded: true, codes.Aborted: true, codes.OutOfRange: true,
		codes.Unavailable: true, codes.DataLoss: true,
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		o := failedCall(status.Error(code, "no"))
		require.Equal(t, retryable[code], o.verdict == again, code)
		require.NotEqual(t, accepted, o.verdict, code)
		require.Equal(t, code.String(), o.reason)
		require.ErrorContains(t, o.err, "no")
		require.Equal(t, code == codes.DeadlineExceeded, o.late, code)
	}
}

func asking(t *testing.T, code codes.Code, wait time.Duration) error {
	st, err := status.New(code, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	require.NoError(t, err)
	return st.Err()
}

func TestABackendMayAskToBeLeftAloneForAWhile(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		3 * time.Second: 3 * time.Second, 0: 0, -time.Second: 0, time.Hour: maxThrottle, math.MaxInt64: maxThrottle,
	} {
		for _, code := range []codes.Code{codes.ResourceExhausted, codes.Unavailable} {
			o := failedCall(asking(t, code, asked))
			require.Equal(t, again, o.verdict)
			require.Equal(t, want, o.wait, "%s of %s", asked, code)
		}
	}
	require.Equal(t, refused, failedCall(asking(t, codes.InvalidArgument, time.Second)).verdict)
}

func TestOnlyTheStatusesThatOTLPNamesAreTriedAgain(t *testing.T) {
	for code := 300; code < 600; code++ {
		o := failedStatus(code, http.Header{"Retry-After": {"7"}}, nil, noon)
		switch code {
		case 429, 502, 503, 504:
			require.Equal(t, again, o.verdict, code)
			require.Equal(t, 7*time.Second, o.wait, code)
		default:
			require.Equal(t, refused, o.verdict, code)
			require.Zero(t, o.wait, code)
		}
		require.Equal(t, fmt.Sprintf("HTTP %d", code), o.reason)
	}
}

func TestRetryAfterIsSecondsOrADateAndBounded(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "12": 12 * time.Second, " 12 ": 12 * time.Second, "-3": 0, "1.5": 0, "soon": 0,
		"300": maxThrottle, "301": maxThrottle, "9223372037": maxThrottle, "99999999999999999999999": maxThrottle,
		noon.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		noon.Add(-time.Hour).Format(http.TimeFormat):       0,
		noon.Add(time.Hour).Format(http.TimeFormat):        maxThrottle,
	} {
		require.Equal(t, want, retryAfter(value, noon), "%q", value)
	}
}

func TestABackoffStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		initial := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "initial"))
		r := Retry{initial, initial + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))}
		n := rapid.OneOf(rapid.IntRange(0, 70), rapid.Just(math.MaxInt)).Draw(t, "round")
		share := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "share")
		wait := backoff(r, n, share)
		if wait <= 0 || wait > r.Max {
			t.Fatalf("%s, want more than 0, at most %s", wait, r.Max)
		}
		if backoff(r, n, 1) > backoff(r, min(n, math.MaxInt-1)+1, 1) {
			t.Fatal("it shrinks")
		}
	})
}

func acknowledgement(t *testing.T, rejected int64, message string) []byte {
	b, err := proto.Marshal(&collectorv1.ExportTraceServiceResponse{
		PartialSuccess: &collectorv1.ExportTracePartialSuccess{RejectedSpans: rejected, ErrorMessage: message},
	})
	require.NoError(t, err)
	return b
}

func TestAnAcknowledgementIsBelievedIfItCanBeTrue(t *testing.T) {
	require.Equal(t, outcome{verdict: accepted}, answered(nil, 0))
	require.Equal(t, outcome{verdict: accepted, rejected: 3, message: "old"}, answered(acknowledgement(t, 3, "old"), 3))
	for name, body := range map[string][]byte{
		"more than was sent": acknowledgement(t, 4, ""),
		"less than nothing":  acknowledgement(t, -1, ""),
		"a page":             []byte("<html>please log in</html>"),
		"JSON":               []byte(`{"partialSuccess":{}}`),
	} {
		o := answered(body, 3)
		require.Equal(t, again, o.verdict, name)
		require.True(t, o.lie, name)
	}
}

func TestWordsOfABackendAreBounded(t *testing.T) {
	require.Len(t, answered(acknowledgement(t, 1, strings.Repeat("a", 1<<20)), 1).message, maxText)
	require.Equal(t, "a\uFFFD", clip("a\xff"))
}

func TestARequestWithoutAnAnswerIsTriedAgain(t *testing.T) {
	require.Equal(t, again, unreachable(http.ErrServerClosed).verdict)
	require.True(t, unreachable(fmt.Errorf("post: %w", context.DeadlineExceeded)).late)
}

func TestTheWordsOfAnErrorAreThoseOfItsStatus(t *testing.T) {
	body, err := proto.Marshal(status.New(codes.InvalidArgument, "span_id: 7 bytes").Proto())
	require.NoError(t, err)
	for want, body := range map[string][]byte{
		"HTTP 400: span_id: 7 bytes": body, "HTTP 400: 400 bad request": []byte("400 bad request"), "HTTP 400: no explanation": nil,
	} {
		require.EqualError(t, failedStatus(400, nil, body, noon).err, want)
	}
}

func TestEverySignalHasItsPlace(t *testing.T) {
	for signal, want := range map[handoffv1.Signal][2]string{
		handoffv1.Signal_SIGNAL_UNSPECIFIED: {"", ""},
		handoffv1.Signal_SIGNAL_TRACES:      {"/v1/traces", collectorv1.TraceService_Export_FullMethodName},
		handoffv1.Signal_SIGNAL_LOGS:        {"/v1/logs", logsv1.LogsService_Export_FullMethodName},
		handoffv1.Signal_SIGNAL_METRICS:     {"/v1/metrics", metricsv1.MetricsService_Export_FullMethodName},
	} {
		require.Equal(t, want, [2]string{pathOf(signal), methodOf(signal)})
	}
}
