package system

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAPersonFindsTheIncidentOnThePageAndApprovesThePlan drives a real browser over the page of a running system: it
// opens the incident, its trace, and approves the plan.
func TestAPersonFindsTheIncidentOnThePageAndApprovesThePlan(t *testing.T) {
	t.Parallel()
	web := filepath.Join(root, "gateway/web")
	if _, err := os.Stat(filepath.Join(web, "node_modules")); err != nil || !hasPage() {
		t.Skip("NOT TESTED: the page is not built, make web builds it")
	}
	needed(t, "npm")
	if os.Getenv("CHROMIUM") == "" {
		needed(t, "chromium")
	}
	s := startAll(t, folder(t, "data"), "--demo", "--demo-control", "127.0.0.1:0", "--demo-fault-after", "75s")
	s.front.await(3*time.Minute, "incident", func() bool { return len(s.incidents()) > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "run", "e2e")
	cmd.Dir, cmd.Env = web, append(os.Environ(), "TRIFLOW_URL="+s.rest)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}
