package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

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

func TestExportsOverHTTPAreRefusedTakenOrAFault(t *testing.T) {
	for name, c := range map[string]struct {
		code   int
		after  string
		answer string
		want   func(t *testing.T, err error)
	}{
		"taken":   {200, "", "", func(t *testing.T, err error) { require.NoError(t, err) }},
		"in part": {200, "", "\x0a\x02\x08\x01", func(t *testing.T, err error) { require.ErrorContains(t, err, "taken in part") }},
		"later": {503, "3", "", func(t *testing.T, err error) {
			var later *refusal
			require.ErrorAs(t, err, &later)
			require.Equal(t, 3*time.Second, later.delay)
		}},
		"later without a word": {429, "", "", func(t *testing.T, err error) {
			var later *refusal
			require.ErrorAs(t, err, &later)
			require.Equal(t, time.Second, later.delay)
		}},
		"wrong": {400, "", "malformed", func(t *testing.T, err error) { require.ErrorContains(t, err, `"malformed"`) }},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != "spans" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Encoding") != "zstd" {
					c.code = http.StatusTeapot
				}
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				w.WriteHeader(c.code)
				_, _ = io.WriteString(w, c.answer) // the test sees what is missing
			}))
			defer server.Close()
			to, err := transport{http: true, encoding: "zstd"}.open(strings.TrimPrefix(server.URL, "http://"))
			require.NoError(t, err)
			defer to.close()
			c.want(t, to.send(t.Context(), []byte("spans")))
		})
	}
}
