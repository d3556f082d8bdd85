//go:build web

package web

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABinaryWithThePageHoldsItsIndexAtTheRoot(t *testing.T) {
	files, ok := Files()
	require.True(t, ok)
	index, err := fs.ReadFile(files, "index.html")
	require.NoError(t, err)
	require.Contains(t, string(index), `<div id="app">`)
}

func TestThePageNeedsNoInlineScriptOrStyle(t *testing.T) {
	files, _ := Files()
	index, err := fs.ReadFile(files, "index.html")
	require.NoError(t, err)
	require.NotRegexp(t, `<script>|<script [^>]*>[^<]|<style| style=`, string(index))
}
