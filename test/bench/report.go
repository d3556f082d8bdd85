package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// parts begins the section that is written by hand and stays as it is.
const parts = "\n## Parts\n"

// report is what a page says.
type report struct {
	command string
	commit  string
	date    time.Time
	machine []string
	load    load
	request int // bytes of an export
	runs    []*figures
}

// row is a line of the table: what is measured and its text for a run.
type row struct {
	name string
	of   func(f *figures) string
}

func rows() []row {
	return []row{
		{"spans acknowledged", func(f *figures) string { return thousands(float64(f.sent.spans)) }},
		{"spans/s", func(f *figures) string { return thousands(f.perSecond()) }},
		{"spans/s until all was decided and stored¹", func(f *figures) string {
			return thousands(float64(f.sent.spans) / (f.window + f.settle).Seconds())
		}},
		{"cores used", func(f *figures) string { return fmt.Sprintf("%.2f", f.cores()) }},
		{"spans/s per core used", func(f *figures) string { return thousands(f.perSecond() / f.cores()) }},
		{"CPU-seconds per million spans, in the window", func(f *figures) string { return fmt.Sprintf("%.1f", f.perMillion(f.cpu)) }},
		{"CPU-seconds per million spans, until settled", func(f *figures) string { return fmt.Sprintf("%.1f", f.perMillion(f.cpuSettled)) }},
		{"peak RSS", func(f *figures) string { return mebibytes(f.peakRSS) }},
		{"export p50 / p99 / max", func(f *figures) string {
			s := spreadOf(f.sent.took)
			return fmt.Sprintf("%s / %s / %s ms", millis(s.p50), millis(s.p99), millis(s.max))
		}},
		{"exports refused (back-pressure)", func(f *figures) string {
			return fmt.Sprintf("%d of %d", f.sent.refused, f.sent.refused+len(f.sent.took))
		}},
		{"share of the senders' time waiting for that", func(f *figures) string {
			return fmt.Sprintf("%.1f %%", 100*f.sent.waited.Seconds()/f.window.Seconds()/float64(f.connections))
		}},
		{"settled after the load²", func(f *figures) string { return fmt.Sprintf("%.1f s", f.settle.Seconds()) }},
		{"traces kept", func(f *figures) string {
			kept, dropped := float64(f.ledgers.out.GetTracesKept()), float64(f.ledgers.out.GetTracesDropped())
			return fmt.Sprintf("%.2f %%", 100*kept/max(kept+dropped, 1))
		}},
		{"assembly's bytes on disk", func(f *figures) string { return mebibytes(f.stored) }},
		{"ledgers add up", func(f *figures) string {
			if f.fault != nil {
				return "no: " + f.fault.Error()
			}
			return "yes"
		}},
		{"warnings and errors logged", func(f *figures) string { return complaintsText(f.complaints) }},
	}
}

// String is the page without the parts.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `%s` in `test/`, commit %s, %s.\n\n", r.command, r.commit, r.date.UTC().Format("2006-01-02 15:04 MST"))
	for _, fact := range r.machine {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	fmt.Fprintf(&b, "\n## The whole\n\n%s\n\n| |", r.setting())
	for _, f := range r.runs {
		fmt.Fprintf(&b, " %s |", f.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(r.runs)) + "\n")
	for _, row := range rows() {
		fmt.Fprintf(&b, "| %s |", row.name)
		for _, f := range r.runs {
			fmt.Fprintf(&b, " %s |", row.of(f))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n¹ The same spans over the time of the load and of what it left to do; the wait for quiet counts.\n" +
		"² Of that, 6 s are the wait for late spans (`--assembly-quiet`).\n")
	return b.String()
}

func (r *report) setting() string {
	pace := "each sends its next export when the last was answered"
	if r.load.rate > 0 {
		pace = fmt.Sprintf("%s spans/s are due over all, and an export's time counts from when it was due", thousands(r.load.rate))
	}
	return fmt.Sprintf(`One process of `+"`triflow all`"+` with an empty store and its default settings. %d connections send for %v over
OTLP/gRPC from the same machine, so the sender takes a share of its cores;
%s.
An export holds %d spans of %d bytes on average, not compressed: %d whole traces of %d spans over six services, ten
attributes a span, an event in one of five, an error in one of fifty. Ids are new in each export. An export is
acknowledged when it is synced to disk; what the rest of the process cannot take at once waits there, so that the rate of
acknowledgement is that of a burst. What it can keep up is between the rate until all was stored and that.
CPU is user and system time of the process.`,
		r.load.connections, r.load.duration, pace, r.load.shape.spans, r.request/r.load.shape.spans, r.load.shape.spans/spansPerTrace, spansPerTrace)
}

// write puts the page to path and leaves the parts there as they are.
func (r *report) write(path string) error {
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("read the page before: %w", err)
	}
	page := r.String()
	if _, kept, found := strings.Cut(string(old), parts); found {
		page += parts + kept
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func complaintsText(found map[string]int) string {
	if len(found) == 0 {
		return "none"
	}
	var texts []string
	for _, text := range slices.Sorted(maps.Keys(found)) {
		texts = append(texts, fmt.Sprintf("%d × %s", found[text], strings.ReplaceAll(text, "|", `\|`)))
	}
	return strings.Join(texts, "; ")
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
