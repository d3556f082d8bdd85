package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/telemetry"
)

func TestWhatIsMeasuredCanBeScraped(t *testing.T) {
	m, err := telemetry.NewMetrics("all", "1.2.3")
	require.NoError(t, err)
	counter, err := m.Meter("test").Int64Counter("triflow.test.things")
	require.NoError(t, err)
	counter.Add(context.Background(), 3)

	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, w.Body.String(), "triflow_test_things_total 3")
	require.Contains(t, w.Body.String(), `service_name="triflow-all"`)
	require.NoError(t, m.Close(context.Background()))
}

func TestTheLoggerKeepsToItsLevelAndForm(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelWarn, "json")
	log.Info("quiet")
	log.Warn("loud", "k", 1)
	require.Contains(t, out.String(), `"msg":"loud","k":1`)
	require.NotContains(t, out.String(), "quiet")
}
