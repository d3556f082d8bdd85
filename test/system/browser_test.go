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
	b := openBrowser(t)
	s := startAll(t, folder(t, "data"), "--demo", "--demo-control", "127.0.0.1:0", "--demo-fault-after", "75s")
	s.front.await(3*time.Minute, "incident", func() bool { return len(s.incidents()) > 0 })
	b.run(s, "e2e")
}

// TestANewcomerSendsByThePageAndFindsWhatWasRefused sends by the command that the page gives, then looks at the shop's
// senders and at a span that was refused among theirs. The page tells ports, so they must be known before the start.
func TestANewcomerSendsByThePageAndFindsWhatWasRefused(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	needed(t, "curl")
	ports := freePorts(t, 2)
	s := startAll(t, folder(t, "data"), "--ingestion-grpc", "127.0.0.1:"+ports[0], "--ingestion-http", "127.0.0.1:"+ports[1])
	b.run(s, "e2e:arrival", "-t", "newcomer")
	startShop(t, s)
	b.run(s, "e2e:arrival", "-t", "refused|data flow")
}

// browser runs tests of the page in a real browser.
type browser struct {
	t   *testing.T
	web string // folder of the page
}

// openBrowser skips the test where there is no page or no browser.
func openBrowser(t *testing.T) browser {
	t.Helper()
	web := filepath.Join(root, "gateway/web")
	if _, err := os.Stat(filepath.Join(web, "node_modules")); err != nil || !hasPage() {
		t.Skip("NOT TESTED: the page is not built, make web builds it")
	}
	needed(t, "npm")
	if os.Getenv("CHROMIUM") == "" {
		needed(t, "chromium")
	}
	return browser{t: t, web: web}
}

// run runs a script of the page's package over the page of s.
func (b browser) run(s *system, script string, args ...string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", append([]string{"run", script, "--"}, args...)...)
	cmd.Dir, cmd.Env = b.web, append(os.Environ(), "TRIFLOW_URL="+s.rest)
	out, err := cmd.CombinedOutput()
	require.NoError(b.t, err, "%s", out)
	b.t.Logf("%s", out)
}
