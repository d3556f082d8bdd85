package otlp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzTheQuickPathTakesNothingThatTheSchemaDoesNot(f *testing.F) {
	ids := "\x0a\x100123456789abcdef\x12\x0801234567"
	for _, rest := range []string{
		"", "\x22\x08abcdefgh\x2a\x01n\x30\x02", "\x39aaaaaaaa\x41bbbbbbbb", "\x85\x01\x01\x01\x00\x00", "\x7a\x04\x12\x02no",
		"\x4a\x08\x0a\x01a\x12\x03\x0a\x01b", "\x4a\x09\x0a\x01a\x12\x04\x18\xf4\x03\x00", "\x4a\x08\x0a\x01a\x12\x03\x18\xf4\x03",
		"\x4a\x07\x0a\x01a\x12\x02\x10\x01", "\x4a\x0e\x0a\x01a\x12\x09\x2112345678", "\x5a\x0d\x09aaaaaaaa\x12\x02ev",
		"\x4a\x08\x0a\x01a\x12\x03\x0a\x01\xe9", "\x4a\x02\x0a\x00", "\x6a\x00", "\x2a\x02\xc3\xa9",
	} {
		f.Add([]byte(ids + rest))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		quick, ok := quickSpan(b)
		if !ok {
			return
		}
		require.Equal(t, finding{times: quick}, check(b, span, Range{Len: uint32(len(b))}, 0))
		s := Span{Raw: Range{Len: uint32(len(b))}}
		_, bad := s.scan(b, LevelFields)
		require.Equal(t, framed, bad)
		require.Equal(t, quick, times{s.Start, s.End})
	})
}
