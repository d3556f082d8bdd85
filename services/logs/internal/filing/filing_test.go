package filing

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var received = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestTheFirstPlausibleTimeCounts(t *testing.T) {
	at := func(t time.Time) uint64 { return uint64(t.UnixNano()) }
	observed := received.Add(-time.Second)
	for name, c := range map[string]struct {
		own, observed uint64
		want          Filed
	}{
		"its own":                  {at(received.Add(-time.Minute)), at(observed), Filed{At: received.Add(-time.Minute)}},
		"zero, then observed":      {0, at(observed), Filed{At: observed}},
		"neither, then arrival":    {0, 0, Filed{At: received}},
		"seconds for nanos":        {uint64(received.Unix()), at(observed), Filed{At: observed, BadOwn: true}},
		"milliseconds for nanos":   {uint64(received.UnixMilli()), at(observed), Filed{At: observed, BadOwn: true}},
		"microseconds for nanos":   {uint64(received.UnixMicro()), 0, Filed{At: received, BadOwn: true}},
		"ticks since 1601":         {uint64(received.Unix()+11644473600) * 1e7, 0, Filed{At: received, BadOwn: true}},
		"ticks since year 1":       {uint64(received.Unix()+62135596800) * 1e7, 0, Filed{At: received, BadOwn: true}},
		"nanos since 2001":         {at(received) - 978307200e9, 0, Filed{At: received, BadOwn: true}},
		"year 2200":                {7258118400000000000, at(observed), Filed{At: observed, BadOwn: true}},
		"negative and no observed": {math.MaxUint64, 0, Filed{At: received, BadOwn: true}},
		"both implausible":         {1, 2, Filed{At: received, BadOwn: true, BadObserved: true}},
		"observed implausible":     {at(received), 2, Filed{At: received, BadObserved: true}},
		"an hour ahead":            {at(received.Add(time.Hour)), 0, Filed{At: received.Add(time.Hour)}},
		"two days ahead":           {at(received.Add(48 * time.Hour)), 0, Filed{At: received, BadOwn: true}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, Times{c.own, c.observed}.File(received))
		})
	}
}

func TestNothingIsFiledInAnotherCentury(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Times{rapid.Uint64().Draw(t, "own"), rapid.Uint64().Draw(t, "observed")}.File(received)
		require.False(t, f.At.Year() < 2000 || f.At.After(received.Add(maxAhead)), f.At)
	})
}
