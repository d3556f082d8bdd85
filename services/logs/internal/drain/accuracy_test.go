package drain

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGroupingAccuracy measures against labelled files when LOG_LABELS names a folder of them: CSV with the columns
// Content and EventId. The files are not ours to ship, so nothing is asserted.
func TestGroupingAccuracy(t *testing.T) {
	dir := os.Getenv("LOG_LABELS")
	if dir == "" {
		t.Skip("LOG_LABELS names no folder")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	require.NoError(t, err)
	sum := 0.0
	for _, file := range files {
		lines, truth := labels(t, file)
		m := New("x", Limits{Templates: 1000, Tokens: 128})
		found := make([]ID, len(lines))
		for i, line := range lines {
			found[i] = m.Add(Line{Text: line, Time: time.Unix(int64(i), 0)}).ID
		}
		final := map[ID]ID{}
		for tmpl := range m.All {
			for _, alias := range tmpl.Aliases {
				final[alias] = tmpl.ID
			}
		}
		for i, id := range found {
			if f, ok := final[id]; ok {
				found[i] = f
			}
		}
		a := groupingAccuracy(found, truth)
		sum += a
		t.Logf("%-20s GA %.3f  templates %d of %d", filepath.Base(file), a, m.Len(), distinct(truth))
	}
	t.Logf("mean GA %.3f", sum/float64(len(files)))
}

// groupingAccuracy is the share of lines whose group is exactly their true group.
func groupingAccuracy(found []ID, truth []string) float64 {
	type pair struct {
		f ID
		t string
	}
	pairs, f, tr := map[pair]int{}, map[ID]int{}, map[string]int{}
	for i := range found {
		pairs[pair{found[i], truth[i]}]++
		f[found[i]]++
		tr[truth[i]]++
	}
	right := 0
	for p, n := range pairs {
		if f[p.f] == n && tr[p.t] == n {
			right += n
		}
	}
	return float64(right) / float64(len(found))
}

func distinct(s []string) int {
	m := map[string]bool{}
	for _, x := range s {
		m[x] = true
	}
	return len(m)
}

func labels(t *testing.T, file string) (lines, truth []string) {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	for _, r := range rows[1:] {
		lines, truth = append(lines, r[1]), append(truth, r[2])
	}
	return lines, truth
}
