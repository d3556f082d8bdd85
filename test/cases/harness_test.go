package cases

import (
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLiteralTimesMoveWithTheirLastDigits(t *testing.T) {
	text := `{"a": 1767225600000000123, "b": "1767225610000000000", "c": 1767225600000, "d": "7258118400000000000", "e": "0"}`
	want := `{"a": 1767225660000000123, "b": "1767225670000000000", "c": 1767225600000, "d": "7258118400000000000", "e": "0"}`
	require.Equal(t, want, string(moveText([]byte(text), time.Minute)))
	b := append([]byte{0x39}, binary.LittleEndian.AppendUint64(nil, zero+5)...)
	require.Equal(t, uint64(zero+5)+uint64(time.Minute), binary.LittleEndian.Uint64(moveBytes(b, time.Minute)[1:]))
}

func TestNumbersAreComparedExactly(t *testing.T) {
	require.True(t, same("9223372036854775807", json.Number("9223372036854775807")))
	require.False(t, same("9223372036854775807", json.Number("9223372036854775808")))
	require.True(t, same(1.5, json.Number("1.5")))
	require.True(t, same([]any{}, []any{}))
}

func TestAnUnknownWordIsAFaultAndNeverAPass(t *testing.T) {
	r := &run{scenario: &scenario{}}
	require.NotEmpty(t, r.holds(t.Context(), outcome{"no_such_word": true}))
	require.NotEmpty(t, r.ask(t.Context(), invariants, "no_such_word"))
	var v verdict
	v.add("", []error{unknown("word x"), unanswered("what is not in the table")})
	require.Len(t, v.Faults, 2)
}
