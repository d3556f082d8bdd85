package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestAddressesAreReadFromWhatTheProcessPrints(t *testing.T) {
	said := "Triflow v1 is ready.\n  page     http://127.0.0.1:1\n  REST     http://127.0.0.1:1/api/v1/services, described at /openapi.json\n" +
		"  OTLP     127.0.0.1:2 over gRPC, http://127.0.0.1:3 over HTTP\n  data     /tmp/x\n"
	rest, otlp, err := addresses(strings.NewReader(said))
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:1", rest)
	require.Equal(t, "127.0.0.1:2", otlp)
	_, _, err = addresses(strings.NewReader("Triflow v1 is ready.\n"))
	require.Error(t, err)
}

func TestTimeOnCoresIsUserAndSystemTime(t *testing.T) {
	cpu, err := cpuOf([]byte("7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20"))
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, cpu)
	_, err = cpuOf([]byte("7 (a) S 1"))
	require.Error(t, err)
}

func TestOnlyBackPressureIsRetriedAfterTheDelayThatWasGiven(t *testing.T) {
	for _, c := range []struct {
		code  codes.Code
		given time.Duration
		want  time.Duration
		again bool
	}{
		{codes.Unavailable, 300 * time.Millisecond, 300 * time.Millisecond, true},
		{codes.Unavailable, 0, time.Second, true},
		{codes.ResourceExhausted, 300 * time.Millisecond, 300 * time.Millisecond, true},
		{codes.ResourceExhausted, 0, 0, false},
		{codes.InvalidArgument, 0, 0, false},
	} {
		s := status.New(c.code, "no")
		if c.given > 0 {
			var err error
			s, err = s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(c.given)})
			require.NoError(t, err)
		}
		delay, again := retryDelay(s.Err())
		require.Equal(t, c.again, again, c.code)
		if again {
			require.Equal(t, c.want, delay)
		}
	}
}

// full refuses every call for an hour.
type full struct{ grpc.ClientConnInterface }

func (full) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	s, err := status.New(codes.Unavailable, "full").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
	if err != nil {
		return err
	}
	return s.Err()
}

func TestARefusalThatOutlastsTheLoadIsWaitedForToItsEndOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sent
		start := time.Now()
		end := start.Add(20 * time.Second)
		require.NoError(t, s.export(t.Context(), full{}, nil, start, end))
		require.Equal(t, sent{refused: 1, waited: 20 * time.Second}, s)
		require.Equal(t, end, time.Now())
	})
}
