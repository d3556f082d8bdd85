package jsonscan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/jsonscan"
)

func TestANumberIsReadWithoutLosingDigits(t *testing.T) {
	for _, c := range []struct {
		text string
		low  int64
		high uint64
		want uint64
		ok   bool
	}{
		{text: "0", high: 1, ok: true},
		{text: "18446744073709551615", high: 1<<64 - 1, want: 1<<64 - 1, ok: true},
		{text: "18446744073709551616", high: 1<<64 - 1},
		{text: "-9223372036854775808", low: -1 << 63, high: 1<<63 - 1, want: 1 << 63, ok: true},
		{text: "-9223372036854775809", low: -1 << 63, high: 1<<63 - 1},
		{text: "1767225600000000123", high: 1<<64 - 1, want: 1767225600000000123, ok: true},
		{text: "1.767225600000000123e18", high: 1<<64 - 1, want: 1767225600000000123, ok: true},
		{text: "5.0", high: 9, want: 5, ok: true},
		{text: "500e-2", high: 9, want: 5, ok: true},
		{text: "5e-1", high: 9},
		{text: "0e-9", high: 9, ok: true},
		{text: "1e999999999", high: 1<<64 - 1},
		{text: "-1", high: 1<<64 - 1},
		{text: "-0", high: 1<<64 - 1, ok: true},
		{text: "", high: 9},
		{text: "0x10", high: 99},
		{text: "+5", high: 9},
		{text: "05", high: 9},
	} {
		got, ok := jsonscan.Integer(c.text, c.low, c.high)
		require.Equal(t, c.ok, ok, c.text)
		if ok {
			require.Equal(t, c.want, got, c.text)
		}
	}
}
