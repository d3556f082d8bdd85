package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	binary := flags.String("triflow", "../.bin/triflow", "binary to measure")
	out := flags.String("out", "", "page to write; empty: print only")
	data := flags.String("data", os.TempDir(), "folder for the process's data; its disk is measured too")
	var l load
	flags.DurationVar(&l.duration, "duration", 20*time.Second, "how long each run sends")
	flags.IntVar(&l.connections, "connections", 4, "connections, each with one export in flight")
	flags.Float64Var(&l.rate, "rate", 0, "spans per second over all connections; 0: as fast as they are answered")
	only := flags.String("only", "", "what to measure: ingestion or system; empty: both")
	row := flags.Duration("row", 5*time.Second, "how long each row of ingestion sends")
	quick := flags.Bool("quick", false, "rows of 1s, to see that it works")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if l.duration <= 0 || l.connections < 1 || l.rate < 0 {
		return fmt.Errorf("duration %v, connections %d, rate %v: want more than 0, at least 1, at least 0", l.duration, l.connections, l.rate)
	}
	dir, err := filepath.Abs(*data)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if *only != "system" {
		if *quick {
			*row = time.Second
		}
		m := newMatrix(*row)
		m.closed = []*intake{m.closed[1], m.closed[4], m.closed[7], m.closed[10]}
		m.packed, m.scaling = nil, nil
		if err := m.measure(ctx, *binary, dir, os.Stderr); err != nil {
			return err
		}
		fmt.Print(table(m.all()))
		return nil
	}
	l.shape = shopShape(512)
	r := &report{
		command: strings.Join(append([]string{"go run ./bench"}, args...), " "),
		commit:  commit(ctx), date: time.Now(), machine: machine(dir), load: l,
	}
	if err := r.measure(ctx, *binary, dir); err != nil {
		return err
	}
	fmt.Print(r)
	if *out != "" {
		if err := r.write(*out); err != nil {
			return err
		}
	}
	return r.fault()
}

// measure fills in the runs.
func (r *report) measure(ctx context.Context, binary, dir string) error {
	sample, err := newRequest(r.load.shape, 0)
	if err != nil {
		return err
	}
	r.request = len(sample.body)
	for _, run := range []struct {
		title string
		ratio float64
	}{{"all traces kept", 0}, {"1 % kept", 0.01}} {
		f, err := measure(ctx, run.title, binary, dir, run.ratio, r.load)
		if err != nil {
			return fmt.Errorf("%s: %w", run.title, err)
		}
		r.runs = append(r.runs, f)
	}
	return nil
}

// fault is what the ledgers of any run have wrong.
func (r *report) fault() error {
	var faults []error
	for _, f := range r.runs {
		if f.fault != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f.title, f.fault))
		}
	}
	return errors.Join(faults...)
}
