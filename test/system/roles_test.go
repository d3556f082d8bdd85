package system

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// roles are those that listen for RPC.
var roles = [...]string{"sampling", "anomaly", "assembly", "logs", "diagnosis", "remediation", "ingestion"}

// TestTheRolesApartNameTheServiceAtFault runs the eight roles as processes that know each other's addresses. They
// share a Redis, which is taken away when the fault begins.
func TestTheRolesApartNameTheServiceAtFault(t *testing.T) {
	t.Parallel()
	port := freePorts(t, 1)[0]
	redis := launch(t, needed(t, "redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
	t.Cleanup(redis.stop)
	ports := freePorts(t, len(roles))
	args := []string{"--redis", "redis://127.0.0.1:" + port}
	for i, role := range roles {
		args = append(args, "--peer", role+"=static:///127.0.0.1:"+ports[i])
	}
	s := startRoles(t, folder(t, "data"), ports, args...)
	diagnose(t, s, startShop(t, s), "failing-service", redis.kill)
	l := s.ledger()
	require.Equal(t, l.Received, l.sum(), "the ledger adds up: %+v", l)
}

// TestTheRolesFindEachOtherThroughConsul runs the eight roles with nothing but the address of a Consul agent.
func TestTheRolesFindEachOtherThroughConsul(t *testing.T) {
	t.Parallel()
	consul := filepath.Join(root, ".bin/consul")
	if _, err := os.Stat(consul); err != nil {
		t.Skip("NOT TESTED: Consul is not built, make tools builds it")
	}
	ports := freePorts(t, 3)
	agentURL := "http://127.0.0.1:" + ports[0]
	agent := launch(t, consul, "agent", "-dev", "-bind", "127.0.0.1", "-http-port", ports[0], "-server-port", ports[1],
		"-serf-lan-port", ports[2], "-dns-port", "-1", "-grpc-port", "-1", "-serf-wan-port", "-1")
	t.Cleanup(agent.kill) // it ends with code 1 by a signal
	agent.match(`(New leader elected|leader elected)`)
	s := startRoles(t, folder(t, "data"), []string{"0", "0", "0", "0", "0", "0", "0"}, "--discovery", "consul", "--consul", agentURL)
	diagnose(t, s, startShop(t, s), "slow-leaf", func() {})
}

// startRoles starts every role as a process of its own, each on its port.
func startRoles(t *testing.T, data string, ports []string, args ...string) *system {
	t.Helper()
	s := &system{t: t}
	var processes []*process
	for i, role := range roles {
		own := []string{role, "--data", data, "--listen", "127.0.0.1:" + ports[i], "--admin", "127.0.0.1:0"}
		if role == "ingestion" {
			own = append(own, "--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0")
		}
		processes = append(processes, start(t, append(own, args...)...))
	}
	s.front = start(t, append([]string{"gateway", "--gateway-listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)...)
	s.rest = "http://" + s.front.match(`serving.*role=gateway server.address=(\S+)`)[0]
	for _, p := range processes {
		p.match(`serving.*role=(` + p.name + `) `)
		if p.name == "ingestion" {
			s.otlp = p.match(`taking OTLP.*grpc.address=(\S+)`)[0]
		}
	}
	for _, path := range []string{
		"/api/v1/ingestion/ledger", "/api/v1/sampling/policies", "/api/v1/services", "/api/v1/logs", "/api/v1/anomalies",
		"/api/v1/incidents", "/api/v1/remediations",
	} {
		s.front.await(time.Minute, "answer to "+path, func() bool { return s.get(path, nil) == http.StatusOK })
	}
	return s
}

// needed gives the path of a program that the test cannot do without.
func needed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip("NOT TESTED: " + program + " is not installed, make packages installs it")
	}
	return path
}
