package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
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

// options are what the command line says.
type options struct {
	binary string
	out    string
	data   string
	only   string
	row    time.Duration
	rows   *regexp.Regexp // nil: all
	whole  load
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.binary, "triflow", "../.bin/triflow", "binary to measure")
	flags.StringVar(&o.out, "out", "", "page to write; empty: print only")
	flags.StringVar(&o.data, "data", os.TempDir(), "folder for the process's data; its disk is measured too")
	flags.StringVar(&o.only, "only", "", "what to measure: ingestion or system; empty: both")
	flags.DurationVar(&o.row, "row", 5*time.Second, "how long each row of ingestion sends")
	flags.Func("rows", "measure only the rows of ingestion whose names match this regular expression", func(text string) (err error) {
		o.rows, err = regexp.Compile(text)
		return err
	})
	quick := flags.Bool("quick", false, "rows of 1s, to see that it works")
	o.whole.shape = shopShape(512)
	flags.DurationVar(&o.whole.duration, "duration", 20*time.Second, "how long each run of the system sends")
	flags.IntVar(&o.whole.connections, "connections", 4, "connections to the system, each with one export in flight")
	flags.Float64Var(&o.whole.rate, "rate", 0, "spans per second over all connections to the system; 0: as fast as they are answered")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		o.row = time.Second
	}
	if o.data, err = filepath.Abs(o.data); err != nil {
		return o, fmt.Errorf("data: %w", err)
	}
	return o, o.validate()
}

// validate names every value that is out of its range.
func (o options) validate() error {
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	want(o.only == "" || o.only == "ingestion" || o.only == "system", "only: %q, want ingestion, system or nothing", o.only)
	want(o.rows == nil || o.out == "", "rows: with out, want one of them, since the page holds every row")
	want(o.row > 0, "row: %v, want more than 0", o.row)
	want(o.whole.duration > 0, "duration: %v, want more than 0", o.whole.duration)
	want(o.whole.connections >= 1, "connections: %d, want at least 1", o.whole.connections)
	want(o.whole.rate >= 0, "rate: %v, want at least 0", o.whole.rate)
	return errors.Join(faults...)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	from := originOf(ctx, args, o.data)
	var sections []section
	var fault error
	if o.only != "system" {
		m := newMatrix(o.row)
		m.rows = o.rows
		if err := m.measure(ctx, o.binary, o.data, os.Stderr); err != nil {
			return err
		}
		sections = append(sections, m.section(from))
	}
	if o.only != "ingestion" {
		r := &report{origin: from, load: o.whole}
		if err := r.measure(ctx, o.binary, o.data); err != nil {
			return err
		}
		sections, fault = append(sections, r.section()), r.fault()
	}
	if o.rows == nil { // else most of the page is missing
		fmt.Print(merge("", sections...))
	}
	if o.out != "" {
		if err := write(o.out, sections); err != nil {
			return err
		}
	}
	return fault
}

// measure fills in the runs.
func (r *report) measure(ctx context.Context, binary, dir string) error {
	sample, err := newRequest(r.load.shape)
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
