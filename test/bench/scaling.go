package main

import "fmt"

// law predicts how much faster n cores are than one when the share f of the work is serial.
type law struct {
	name    string
	speedup func(f, n float64) float64
	fit     func(s, n float64) float64 // the f with which the law gives the speed-up s on n cores
}

// laws are Amdahl's, of a load that stays as it is (Validity of the single processor approach, 1967), and Gustafson's,
// of one that grows with the cores (Reevaluating Amdahl's law, 1988; there f is a share of the time on n cores).
func laws() []law {
	return []law{
		{
			"Amdahl", func(f, n float64) float64 { return 1 / (f + (1-f)/n) },
			func(s, n float64) float64 { return share((n/s - 1) / (n - 1)) },
		},
		{
			"Gustafson", func(f, n float64) float64 { return n - f*(n-1) },
			func(s, n float64) float64 { return share((n - s) / (n - 1)) },
		},
	}
}

// share cuts off what noise has put below 0 or above 1.
func share(f float64) float64 { return min(max(f, 0), 1) }

// speedup is measured on so many cores against one.
type speedup struct {
	name  string
	cores float64
	by    float64
}

// speedups compares two runs of the same load in two ways. By throughput the sender's need for the same cores counts
// against the process. By cost on cores it does not, and neither does waiting: if the process had all its cores for
// itself and used them fully, it would be faster by this.
func speedups(one, many *intake) []speedup {
	n := float64(many.cores) / float64(one.cores)
	return []speedup{
		{"throughput", n, many.perSecond() / one.perSecond()},
		{"CPU a span", n, n * one.micros(one.cost.cpu) / many.micros(many.cost.cpu)},
	}
}

// predictedCores are those of the table.
func predictedCores() []float64 { return []float64{1, 2, 4, 8} }

// predictions are a row for each law: the fitted share and what it predicts.
func (s speedup) predictions() (rows []string) {
	for _, l := range laws() {
		f := l.fit(s.by, s.cores)
		row := fmt.Sprintf("| %s | %.2f | %s | %.2f |", s.name, s.by, l.name, f)
		for _, n := range predictedCores() {
			row += fmt.Sprintf(" %.2f |", l.speedup(f, n))
		}
		rows = append(rows, row)
	}
	return rows
}
