package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// report is what the section of the whole system says.
type report struct {
	origin  origin
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
			return thousands(float64(f.sent.spans) / (f.sent.window + f.settle).Seconds())
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
			return fmt.Sprintf("%.1f %%", 100*f.sent.waited.Seconds()/f.sent.window.Seconds()/float64(f.connections))
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

// section is the page's part on the whole system.
func (r *report) section() section {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n| |", r.origin, r.setting())
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
	return section{"The whole", b.String()}
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
