package rpc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/rpc"
)

func TestViolationsAreToldAllAtOnce(t *testing.T) {
	var v rpc.Violations
	require.NoError(t, v.Err())
	v.Add("page_size", "500, want 1 to 200")
	v.Check("page_token", nil)
	v.Add("trace_id", "7 characters, want 32 hex digits")

	s := status.Convert(v.Err())
	require.Equal(t, codes.InvalidArgument, s.Code())
	require.Equal(t, "page_size: 500, want 1 to 200; trace_id: 7 characters, want 32 hex digits", s.Message())
	require.Len(t, s.Details(), 1)
	require.Equal(t, "trace_id", s.Details()[0].(*errdetails.BadRequest).GetFieldViolations()[1].GetField())
}

func TestUnavailableTellsWhenToComeBack(t *testing.T) {
	s := status.Convert(rpc.Unavailable(2*time.Second, "the log is full"))
	require.Equal(t, codes.Unavailable, s.Code())
	require.Equal(t, 2*time.Second, s.Details()[0].(*errdetails.RetryInfo).GetRetryDelay().AsDuration())
}

func TestNotFoundNamesTheThing(t *testing.T) {
	require.EqualError(t, rpc.NotFound("incident", "x"), `rpc error: code = NotFound desc = incident "x" is not known`)
}
