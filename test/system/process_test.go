package system

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is where TestMain puts the program, built once with the page if the page has been built.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "triflow-system-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "triflow")
	args := []string{"build", "-o", program}
	if hasPage() {
		args = append(args, "-tags", "web")
	}
	build := exec.Command("go", append(args, "./cmd/triflow")...)
	build.Dir, build.Env = root, append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build triflow: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// root is the folder of the product's module.
const root = "../.."

func hasPage() bool {
	_, err := os.Stat(filepath.Join(root, "gateway/web/dist/index.html"))
	return err == nil
}

// endTime bounds how long a process may take from Ctrl-C to its end.
const endTime = 10 * time.Second

// process is a running program.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	output *output
	ended  chan struct{}
	err    error // of Wait, after ended
}

// start runs the binary with arguments until the test ends, when it must end well.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := launch(t, program, args...)
	t.Cleanup(p.stop)
	return p
}

// launch runs a program; the caller ends it.
func launch(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: args[0], cmd: exec.Command(path, args...), output: &output{}, ended: make(chan struct{})}
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		var both sync.WaitGroup
		both.Go(func() { p.output.read(stdout) })
		both.Go(func() { p.output.read(stderr) })
		both.Wait()
		p.err = p.cmd.Wait()
	}()
	return p
}

// stop ends the process as Ctrl-C does, and wants exit code 0 in time. Stopping one that has ended does nothing.
func (p *process) stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	require.NoError(p.t, p.cmd.Process.Signal(os.Interrupt))
	select {
	case <-p.ended:
		require.NoError(p.t, p.err, "%s must end with code 0, its output:\n%s", p.name, p.output)
	case <-time.After(endTime):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it prints what it waits for
		<-p.ended
		require.Fail(p.t, "no end within 10 s", "%s:\n%s", p.name, p.output)
	}
	if p.t.Failed() {
		p.t.Logf("output of %s:\n%s", p.name, p.output)
	}
}

// kill ends the process as a crash does.
func (p *process) kill() {
	require.NoError(p.t, p.cmd.Process.Kill())
	<-p.ended
}

// match waits for a line that the expression matches, and gives its groups.
func (p *process) match(expression string) []string {
	p.t.Helper()
	want := regexp.MustCompile(expression)
	var found []string
	p.await(time.Minute, "a line like "+expression, func() bool {
		found = want.FindStringSubmatch(p.output.String())
		return found != nil
	})
	return found[1:]
}

// await polls until done, for at most the limit, while the process runs.
func (p *process) await(limit time.Duration, what string, done func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-p.ended:
			require.Fail(p.t, "process ended", "%s, while waiting for %s: %v\n%s", p.name, what, p.err, p.output)
		case <-ctx.Done():
			require.Fail(p.t, "it took too long", "%s: no %s within %v\n%s", p.name, what, limit, p.output)
		case <-tick.C:
		}
	}
}

// output gathers lines of two streams.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		o.mu.Lock()
		o.text.WriteString(lines.Text() + "\n")
		o.mu.Unlock()
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// freePorts gives ports of this machine that nobody listens on now.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		ports = append(ports, port)
	}
	return ports
}
