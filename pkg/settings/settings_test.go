package settings_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/settings"
)

func TestDefaultsComeFromTheTags(t *testing.T) {
	type config struct {
		Hold  time.Duration `default:"2s"`
		Limit int           `default:"7"`
		Name  string
	}
	require.Equal(t, config{Hold: 2 * time.Second, Limit: 7}, settings.Defaults[config]())
}

func TestADefaultThatDoesNotFitItsFieldPanics(t *testing.T) {
	type config struct {
		Limit int `default:"seven"`
	}
	require.Panics(t, func() { settings.Defaults[config]() })
}
