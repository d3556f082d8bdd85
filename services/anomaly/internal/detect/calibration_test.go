package detect

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const perDay = 17280 // points five seconds apart

func TestHealthySeriesRaiseLessThanOneAlarmInTenDays(t *testing.T) {
	for _, m := range models() {
		t.Run(m.name, func(t *testing.T) {
			const days = 10
			alarms := 0
			for day := range uint64(days) {
				opened, _ := run(m, day, perDay, func(int) float64 { return 1 })
				alarms += opened
			}
			t.Logf("%d false alarms in %d series-days", alarms, days)
			require.LessOrEqual(t, alarms, allowed(m, 1, 5))
		})
	}
}

func TestHealthySeriesAreQuietWhileTheBaselineIsShort(t *testing.T) {
	for _, m := range models() {
		t.Run(m.name, func(t *testing.T) {
			const starts = 3000
			alarms := 0
			for seed := range uint64(starts) {
				opened, _ := run(m, 1000+seed, 36, func(int) float64 { return 1 })
				alarms += opened
			}
			t.Logf("%d false alarms in the first 3 minutes of %d series", alarms, starts)
			require.LessOrEqual(t, alarms, allowed(m, 2, 40))
		})
	}
}

func TestStepsAreFound(t *testing.T) {
	for _, m := range models() {
		for _, c := range []struct {
			name  string
			fault int
			share int // per cent
		}{{"after a minute", 13, 80}, {"after five minutes", 60, 96}} {
			t.Run(m.name+" "+c.name, func(t *testing.T) {
				if m.light && c.fault < 20 {
					t.Log("too few observations in a minute for a baseline, by design")
					return
				}
				const starts = 400
				found, delay := 0, 0
				for seed := range uint64(starts) {
					_, at := run(m, 9000+seed, c.fault+20, func(i int) float64 {
						if i >= c.fault {
							return m.step
						}
						return 1
					})
					if at >= c.fault && at < c.fault+12 {
						found++
						delay += at - c.fault + 1
					}
				}
				t.Logf("%.1f %% found within a minute, after %.2f points", 100*float64(found)/starts, float64(delay)/float64(max(found, 1)))
				require.GreaterOrEqual(t, found, starts*c.share/100)
			})
		}
	}
}

// allowed gives the number of false alarms for noise that the detectors assume, and for rougher noise.
func allowed(m model, assumed, rough int) int {
	if m.rough {
		return rough
	}
	return assumed
}
