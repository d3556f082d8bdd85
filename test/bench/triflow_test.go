package main

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestAddressesAreReadFromWhatTheProcessPrints(t *testing.T) {
	said := "Triflow v1 is ready.\n  page     http://127.0.0.1:1\n  REST     http://127.0.0.1:1/api/v1/services, described at /openapi.json\n" +
		"  OTLP     127.0.0.1:2 over gRPC, http://127.0.0.1:3 over HTTP\n  data     /tmp/x\n"
	require.Equal(t, []string{"http://127.0.0.1:1", "127.0.0.1:2"}, regexp.MustCompile(greeting).FindStringSubmatch(said)[1:])
	require.NotRegexp(t, greeting, "Triflow v1 is ready.\n")
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
		var later *refusal
		require.Equal(t, c.again, errors.As(ofStatus(s.Err()), &later), c.code)
		if c.again {
			require.Equal(t, c.want, later.delay)
		}
	}
}

// full refuses every export for an hour.
type full struct{}

func (full) close() {}

func (full) send(context.Context, []byte) error { return &refusal{delay: time.Hour, text: "full"} }

func TestARefusalThatOutlastsTheLoadIsWaitedForToItsEndOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sent
		start := time.Now()
		end := start.Add(20 * time.Second)
		taken, err := s.export(t.Context(), full{}, nil, start, end)
		require.NoError(t, err)
		require.False(t, taken)
		require.Equal(t, sent{refused: 1, waited: 20 * time.Second}, s)
		require.Equal(t, end, time.Now())
	})
}
