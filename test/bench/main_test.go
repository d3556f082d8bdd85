package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuickRowsTakeASecond(t *testing.T) {
	o, err := parse([]string{"-quick", "-only", "ingestion"})
	require.NoError(t, err)
	require.Equal(t, time.Second, o.row)
	o, err = parse(nil)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, o.row)
}

func TestEveryFaultOfTheCommandLineIsNamed(t *testing.T) {
	_, err := parse([]string{"-only", "shop", "-row", "0s", "-duration", "-1s", "-connections", "0", "-rate", "-1"})
	for _, name := range []string{"only", "row", "duration", "connections", "rate"} {
		require.ErrorContains(t, err, name+": ")
	}
}
