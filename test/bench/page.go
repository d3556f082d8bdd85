package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// heading begins each section of the page.
const heading = "\n## "

// section is a part of the page with a title of its own.
type section struct {
	title string
	text  string // ends with a newline
}

// merge gives the page with the measured sections in place of those of the same titles; new ones come first. All else
// stays as it is: other sections are written by hand, or were measured before.
func merge(old string, measured ...section) string {
	parts := strings.Split(old, heading)
	if parts[0] == "" {
		parts[0] = "# Benchmarks\n"
	}
	fresh := 1
	for _, s := range measured {
		part := s.title + "\n\n" + s.text
		at := slices.IndexFunc(parts[1:], func(p string) bool { return strings.HasPrefix(p, s.title+"\n") })
		if at >= 0 {
			parts[at+1] = part
			continue
		}
		parts = slices.Insert(parts, fresh, part)
		fresh++
	}
	return strings.Join(parts, heading)
}

// write puts the measured sections into the page at path.
func write(path string, measured []section) error {
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("read the page before: %w", err)
	}
	if err := os.WriteFile(path, []byte(merge(string(old), measured...)), 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// origin tells how and where figures were taken.
type origin struct {
	command string
	commit  string
	date    time.Time
	machine []string
}

// originOf describes the run of this program with args; dir is on the disk that is measured.
func originOf(ctx context.Context, args []string, dir string) origin {
	return origin{
		command: strings.Join(append([]string{"go run ./bench"}, args...), " "),
		commit:  commit(ctx), date: time.Now(), machine: machine(dir),
	}
}

// String is the beginning of a section.
func (o origin) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Written by `%s` in `test/`, commit %s, %s.\n\n", o.command, o.commit, o.date.UTC().Format("2006-01-02 15:04 MST"))
	for _, fact := range o.machine {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	return b.String()
}

// thousands groups the digits of a rounded number.
func thousands(x float64) string {
	digits := fmt.Sprintf("%.0f", x)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
