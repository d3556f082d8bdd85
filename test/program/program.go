package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// EndLimit bounds how long a process may take from Stop to its end.
const EndLimit = 20 * time.Second

// Build compiles the product of the module at root into the file out, as its Makefile does, without the page.
func Build(ctx context.Context, root, out string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", out, "./cmd/triflow")
	build.Dir, build.Env = root, append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build triflow: %w\n%s", err, said)
	}
	return nil
}

// Program is a process that was started. Many goroutines may use it.
type Program struct {
	cmd   *exec.Cmd
	said  output
	ended chan struct{}
	err   error // of Wait, after ended
}

// Start runs the binary at path with the environment of this process and env besides. It runs until Stop or Kill.
func Start(path string, env []string, args ...string) (*Program, error) {
	p := &Program{cmd: exec.CommandContext(context.Background(), path, args...), said: output{changed: make(chan struct{})}, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// PID is the process's number.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (p *Program) Ended() <-chan struct{} { return p.ended }

// Output is what the process has said on both streams.
func (p *Program) Output() string {
	text, _ := p.said.now()
	return text
}

// Match waits until the output matches, and gives the groups of the expression. It fails when the process or ctx ends
// before.
func (p *Program) Match(ctx context.Context, want *regexp.Regexp) ([]string, error) {
	for {
		text, changed := p.said.now()
		if found := want.FindStringSubmatch(text); found != nil {
			return found[1:], nil
		}
		select {
		case <-changed:
		case <-p.ended:
			return nil, fmt.Errorf("process ended without saying %q: %w; it said:\n%s", want, p.err, p.Output())
		case <-ctx.Done():
			return nil, fmt.Errorf("process does not say %q: %w; it said:\n%s", want, context.Cause(ctx), p.Output())
		}
	}
}

// Stop ends the process as Ctrl-C does; its code must be 0. One that takes too long prints its goroutines and is
// killed. For a process that has ended it gives how.
func (p *Program) Stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop: %w", err)
	}
	select {
	case <-p.ended:
	case <-time.After(EndLimit):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // if it ended meanwhile, all the better
		<-p.ended
		return fmt.Errorf("no end within %v of the interrupt; it said:\n%s", EndLimit, p.Output())
	}
	if p.err != nil {
		return fmt.Errorf("process ended: %w; it said:\n%s", p.err, p.Output())
	}
	return nil
}

// Kill ends the process as a crash does.
func (p *Program) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill: %w", err)
	}
	<-p.ended
	return nil
}

// output gathers two streams.
type output struct {
	mu      sync.Mutex // guards the rest
	text    strings.Builder
	changed chan struct{} // closed at the next write
}

var _ io.Writer = (*output)(nil)

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

func (o *output) now() (text string, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}
