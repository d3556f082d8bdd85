//go:build !web

package web

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABinaryWithoutThePageSaysSo(t *testing.T) {
	files, ok := Files()
	require.False(t, ok)
	require.Nil(t, files)
}
