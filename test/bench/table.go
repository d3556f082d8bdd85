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
		{"CPU-µs a span", func(in *intake) string { return fmt.Sprintf("%.2f", in.micros(in.cost.cpu)) }},
		{"the sender's", func(in *intake) string { return fmt.Sprintf("%.2f", in.micros(in.cost.sender)) }},
		{"bytes allocated a span", func(in *intake) string { return fmt.Sprintf("%.0f", in.perSpan(in.cost.heap.bytes)) }},
		{"allocations a span", func(in *intake) string { return fmt.Sprintf("%.2f", in.perSpan(in.cost.heap.objects)) }},
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

// section is the page's part on ingestion alone.
func (m *matrix) section(from origin) section {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n%s\n", from, m.setting(), table(m.closed))
	fmt.Fprintf(&b, "Compressed bodies, packed beforehand; each connection takes turns with %d:\n\n%s\n", packedBodies, table(m.packed))
	fmt.Fprintf(&b, "Exports that are due at a rate, whose time counts from when they were due; %d of %d were taken:\n\n%s\n",
		len(m.open.sent.took), m.open.load.due(), table([]*intake{m.open}))
	b.WriteString("Throughput lost between durability none and always at 64 connections: " + strings.Join(m.losses(), "; ") + ".\n")
	fmt.Fprintf(&b, "\n### Speed-up\n\n%s\n", m.speedup())
	return section{"Ingestion alone", b.String()}
}

func (m *matrix) setting() string {
	of := m.open.load.shape
	return fmt.Sprintf(`One process of `+"`triflow ingestion`"+` with an empty log a row. The roles behind it are played by the sender's process:
they take what is handed over and are done with it at once, so that this is the way from the socket to durable and
handed on. Each connection sends for %v, the next export when the last was answered. An export of %d spans has %d bytes
a span: whole traces of %d spans, ten attributes a span, an event in one of five, an error in one of fifty, %d resources
of %d attributes; one of fewer spans has as many resources, and may end within a trace. Ids are new in each export. With durability always an export is acknowledged when it is synced to
disk, with none when it is written.
CPU, allocations and memory are those of the process alone, from before the first export until all spans were done
behind it; the sender runs on the same cores, and what it and the roles behind cost is told beside. The ledger of each
row holds exactly the spans that were acknowledged, and so do the roles behind.`,
		m.open.load.duration, of.spans, m.request/of.spans, spansPerTrace, of.resources, of.resourceAttributes)
}

// losses is what syncing costs at the most connections, for each transport and size.
func (m *matrix) losses() (texts []string) {
	const most = 64
	for _, always := range m.closed {
		for _, none := range m.closed {
			if always.load == none.load && always.load.connections == most && always.durability == "always" && none.durability == "none" {
				texts = append(texts, fmt.Sprintf("%s, %d spans: %.0f %%", always.load.transport, always.load.shape.spans,
					100*(1-always.perSecond()/none.perSecond())))
			}
		}
	}
	return texts
}

// speedup tells of the runs with few cores, and what the laws make of them.
func (m *matrix) speedup() string {
	one, many := m.scaling[0], m.scaling[len(m.scaling)-1]
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d spans, %d connections, durability %s, with GOMAXPROCS of the process:\n\n| GOMAXPROCS | spans/s | CPU-µs a span |\n|---:|---:|---:|\n",
		one.load.transport, one.load.shape.spans, one.load.connections, one.durability)
	for _, in := range m.scaling {
		fmt.Fprintf(&b, "| %d | %s | %.2f |\n", in.cores, thousands(in.perSecond()), in.micros(in.cost.cpu))
	}
	b.WriteString("\nf is the serial share that makes the law give the measured speed-up; the rest of the row is predicted by it, not\n" +
		"measured, and f is cut to 0 to 1. By throughput the sender takes its cores from the process. By CPU a span it does not, and neither does\n" +
		"waiting for the disk: it is what cores of its own, fully used, would give.\n\n| Measured by | Speed-up | Law | f |")
	for _, n := range predictedCores() {
		fmt.Fprintf(&b, " N=%.0f |", n)
	}
	b.WriteString("\n|---|---:|---|---:|" + strings.Repeat("---:|", len(predictedCores())) + "\n")
	for _, s := range speedups(one, many) {
		b.WriteString(strings.Join(s.predictions(), "\n") + "\n")
	}
	return b.String()
}
