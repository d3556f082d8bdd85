package pebblelog_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/pebblelog"
)

func TestOnlyWhatPebbleCannotSurviveIsHeard(t *testing.T) {
	var log pebble.Logger = pebblelog.Silent{}
	log.Infof("compacted %d", 1)
	log.Errorf("slow %d", 2)
	require.PanicsWithValue(t, "lost 3", func() { log.Fatalf("lost %d", 3) })
}
