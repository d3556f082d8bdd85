package id_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/id"
)

func TestATraceIDIsThirtyTwoHexDigitsInEitherCase(t *testing.T) {
	for _, c := range []struct{ in, want, err string }{
		{in: "4bf92f3577b34da6a3ce929d0e0e4736", want: "4bf92f3577b34da6a3ce929d0e0e4736"},
		{in: "4BF92F3577B34DA6A3CE929D0E0E4736", want: "4bf92f3577b34da6a3ce929d0e0e4736"},
		{in: "", err: "0 characters, want 32 hex digits"},
		{in: "4bf92f3577b34da6", err: "16 characters, want 32 hex digits"},
		{in: "4bf92f3577b34da6a3ce929d0e0e473g", err: `"4bf92f3577b34da6a3ce929d0e0e473g", want 32 hex digits`},
		{in: "00000000000000000000000000000000", err: "all zero, want an id"},
	} {
		got, err := id.ParseTrace(c.in)
		if c.err != "" {
			require.EqualError(t, err, c.err)
			require.True(t, got.IsZero())
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got.String())
	}
}

func TestASpanIDIsSixteenHexDigits(t *testing.T) {
	got, err := id.ParseSpan("00f067aa0ba902b7")
	require.NoError(t, err)
	require.Equal(t, "00f067aa0ba902b7", got.String())
	_, err = id.ParseSpan("0000000000000000")
	require.EqualError(t, err, "all zero, want an id")
}

func TestTraceIDsCompareAsTheirBytesDo(t *testing.T) {
	a, b := id.Trace{0: 1}, id.Trace{15: 1}
	require.Equal(t, 1, a.Compare(b))
	require.Equal(t, -1, b.Compare(a))
	require.Equal(t, 0, a.Compare(a))
}

func TestNewIDsSortByTime(t *testing.T) {
	at := time.Date(2026, 11, 25, 4, 33, 35, 123e6, time.UTC)
	require.Equal(t, "20261125T043335.123-0000000a", id.New(at, 10))
	require.Less(t, id.New(at, 0xffffffff), id.New(at.Add(time.Millisecond), 0))
}
