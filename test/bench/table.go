package main

import (
	"fmt"
	"strings"
)

// column is one figure of the table of ingestion: its title and its text for a row.
type column struct {
	title string
	of    func(in *intake) string
}

func columns() []column {
	return []column{
		{"spans/s", func(in *intake) string { return thousands(in.perSecond()) }},
		{"CPU-µs a span", func(in *intake) string { return fmt.Sprintf("%.2f", in.cpuMicros()) }},
		{"bytes allocated a span", func(in *intake) string { return fmt.Sprintf("%.0f", in.perSpan(in.heap.bytes)) }},
		{"allocations a span", func(in *intake) string { return fmt.Sprintf("%.2f", in.perSpan(in.heap.objects)) }},
		{"export p50 / p99, ms", func(in *intake) string {
			s := spreadOf(in.sent.took)
			return millis(s.p50) + " / " + millis(s.p99)
		}},
		{"refused", func(in *intake) string { return thousands(float64(in.sent.refused)) }},
		{"peak RSS", func(in *intake) string { return mebibytes(in.peakRSS) }},
	}
}

// table tells rows of the matrix.
func table(rows []*intake) string {
	var b strings.Builder
	b.WriteString("| Transport | Spans | Connections | Durability |")
	for _, c := range columns() {
		fmt.Fprintf(&b, " %s |", c.title)
	}
	b.WriteString("\n|---|---:|---:|---|" + strings.Repeat("---:|", len(columns())) + "\n")
	for _, in := range rows {
		transport := in.load.transport.String()
		if in.load.rate > 0 {
			transport += ", " + thousands(in.load.rate) + " spans/s due"
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |", transport, in.load.shape.spans, in.load.connections, in.durability)
		for _, c := range columns() {
			fmt.Fprintf(&b, " %s |", c.of(in))
		}
		b.WriteString("\n")
	}
	return b.String()
}
