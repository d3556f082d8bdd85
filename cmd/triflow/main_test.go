package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// triflow runs a command line and gives its exit code and what it wrote.
func triflow(args ...string) (code int, stdout, stderr string) {
	var out, fault bytes.Buffer
	code = run(args, &out, &fault)
	return code, out.String(), fault.String()
}

func TestWhatIsWrongWithACommandLineIsSaid(t *testing.T) {
	t.Setenv("TRIFLOW_LOG_LEVEL", "")
	require.NoError(t, os.Unsetenv("TRIFLOW_LOG_LEVEL"))
	for line, want := range map[string]string{
		"":                                 "expected one of",
		"fly":                              "unexpected argument fly",
		"all --colour red":                 "unknown flag --colour",
		"all --assembly-quiet soon":        "--assembly-quiet",
		"all --log-level loud":             "--log-level must be one of",
		"all --demo-fault fire":            "--demo-fault must be one of",
		"assembly --peer rocket=x:1":       `peer: "rocket", want one of ingestion, sampling`,
		"assembly --discovery dns":         "--discovery must be one of",
		"config --config /does/not/exist":  "/does/not/exist",
		"all --assembly-quiet 2h":          "assembly.quiet: 2h0m0s, want 100ms to 1m",
		"config --logs-retention 1s":       "logs.retention: 1s",
		"gateway --gateway-listen 8080":    `gateway.listen: "8080", want host:port`,
		"sampling --sampling-voters b=a:1": `sampling.voters: "node-1" is not among them`,
	} {
		t.Run(line, func(t *testing.T) {
			code, _, stderr := triflow(strings.Fields(line)...)
			require.Equal(t, exitUsage, code)
			require.Contains(t, stderr, want)
		})
	}
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	code, _, stderr := triflow("all", "--redis", "nowhere")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `redis: "nowhere"`)
	code, _, stderr = triflow("gateway", "--gateway-listen", "127.0.0.1:0", "--admin", "192.0.2.1:1")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "admin: listen tcp 192.0.2.1:1")
}

func TestHelpAndVersionArePrinted(t *testing.T) {
	code, stdout, _ := triflow("--help")
	require.Zero(t, code)
	require.Contains(t, stdout, "Run every role in this process.")
	code, stdout, _ = triflow("version")
	require.Zero(t, code)
	require.Equal(t, "triflow unversioned\n", stdout)
}

func TestAFlagComesBeforeTheEnvironmentAndThatBeforeTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "triflow.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
assembly: {quiet: 3s, deadline: 20s, max_edges: 7}
logs-retention: 1h
peer: {sampling: "dns:///s:1", logs: "dns:///l:2"}
remediation: {webhook-allow: [a.example, b.example], webhook-secret: hunter2}
`), 0o600))
	t.Setenv("TRIFLOW_ASSEMBLY_DEADLINE", "25s")
	code, stdout, stderr := triflow("config", "--config", path, "--assembly-quiet", "4s")
	require.Zero(t, code, stderr)
	got := map[string]string{}
	for line := range strings.Lines(stdout) {
		if f := strings.Fields(strings.TrimPrefix(line, "*")); len(f) == 2 {
			got[f[0]] = f[1]
		}
	}
	require.Equal(t, "4s", got["assembly-quiet"], "flag")
	require.Equal(t, "25s", got["assembly-deadline"], "environment")
	require.Equal(t, "7", got["assembly-max-edges"], "file")
	require.Equal(t, "1h0m0s", got["logs-retention"], "file, flat")
	require.Equal(t, "logs=dns:///l:2;sampling=dns:///s:1", got["peer"])
	require.Equal(t, "a.example,b.example", got["remediation-webhook-allow"])
	require.Equal(t, "***", got["remediation-webhook-secret"])
	require.NotContains(t, stdout, "hunter2")

	require.NoError(t, os.WriteFile(path, []byte("assembly: {quiett: 3s}\n"), 0o600))
	code, _, stderr = triflow("config", "--config", path)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "assembly-quiett: not a setting")
}

func TestTheReferenceIsOfTheCommandsAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := triflow("docs", dir)
	require.Zero(t, code, stderr)
	want, err := os.ReadFile(filepath.Join(dir, "commands.md"))
	require.NoError(t, err)
	have, err := os.ReadFile("../../docs/reference/commands.md")
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "docs/reference/commands.md: make generate")
}
