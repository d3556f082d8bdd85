package system

import (
	"net/http"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSettingsInForceComeFromFlagEnvironmentAndFile(t *testing.T) {
	s := startAll(t, folder(t, "data"), "--assembly-quiet", "3s", "--remediation-webhook-secret", "hunter2")
	var got struct {
		Settings []struct{ Name, Value, Default string }
	}
	require.Equal(t, http.StatusOK, s.get("/api/v1/config", &got))
	values := map[string]string{}
	for _, setting := range got.Settings {
		values[setting.Name] = setting.Value
	}
	require.Equal(t, "3s", values["assembly-quiet"])
	require.Equal(t, "30s", values["assembly-deadline"])
	require.Equal(t, "***", values["remediation-webhook-secret"])
}

func TestADataFolderIsServedByOneProcessOnly(t *testing.T) {
	data := folder(t, "data")
	startAll(t, data)
	out, err := exec.Command(program, "all", "--data", data, "--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0",
		"--gateway-listen", "127.0.0.1:0", "--admin", "127.0.0.1:0").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "triflow: ")
	require.Contains(t, string(out), data)
}

func TestAnEndUnderLoadIsOrderlyAndLosesNothing(t *testing.T) {
	data := folder(t, "data")
	s := startAll(t, data)
	acknowledged := map[string]int{}
	load := send(t, s.otlp, 7, acknowledged)
	s.front.await(endTime, "spans", func() bool { return s.taken() > 1000 })
	s.front.stop() // within 10 s, with code 0
	load()
	sent := 0
	for _, spans := range acknowledged {
		sent += spans
	}
	s = startAll(t, data)
	require.GreaterOrEqual(t, s.taken(), uint64(sent))
}
