package soak

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheNumbersOfAnExportAreReadFromItsPayload(t *testing.T) {
	for s := range signals {
		e, err := newExport(s, 3, 100)
		require.NoError(t, err)
		e.number(1 << 40)
		got, err := numbers(nil, s, e.body)
		require.NoError(t, err)
		require.Equal(t, []uint64{1 << 40, 1<<40 + 1, 1<<40 + 2}, got)
		require.Greater(t, len(e.body), 300)
	}
}
