package group

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

var (
	rules = Rules{Threshold: 6, Evidence: 15, Strong: 18, Sustain: 20 * time.Second, Window: 2 * time.Minute, Quiet: time.Minute}
	epoch = time.Unix(1_800_000_000, 0)
)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// near: services a, b, c are a chain, x and y another.
func near(m, n string) bool {
	return m == n || slices.Contains([]string{"ab", "ba", "bc", "cb", "xy", "yx"}, m+n)
}

// up is an open anomaly of a series of a service, or "client>server", from start on and last seen at last.
func up(series, about string, score float64, start, last int) Anomaly {
	client, server, edge := strings.Cut(about, ">")
	if !edge {
		client, server = "", about
	}
	return Anomaly{
		ID: fmt.Sprintf("%d %s %s", start, series, about), Series: series + about, Symptom: cause.Symptom{Series: series, Client: client, Server: server},
		Service: server, Client: client, Up: true, Score: score, Start: at(start), Last: at(last),
	}
}

func ended(a Anomaly, end int) Anomaly {
	a.End = at(end)
	return a
}

func down(a Anomaly) Anomaly {
	a.Up = false
	return a
}

func TestWhatMakesAnIncident(t *testing.T) {
	for name, tt := range map[string]struct {
		anomalies []Anomaly
		want      int
	}{
		"nothing":                        {nil, 0},
		"one operation in all its views": {[]Anomaly{up(cause.Latency, "b", 9, 0, 30), up(cause.SelfTime, "b", 9, 0, 30), up(cause.EdgeLatency, "a>b", 9, 0, 30)}, 0},
		"two weak ones":                  {[]Anomaly{up(cause.Latency, "a", 7, 0, 30), up(cause.Latency, "b", 7, 0, 30)}, 0},
		"two at neighbours":              {[]Anomaly{up(cause.Latency, "a", 8, 0, 30), up(cause.Latency, "b", 8, 0, 30)}, 1},
		"two kinds at one service":       {[]Anomaly{up(cause.Latency, "a", 8, 0, 30), up(cause.ErrorRatio, "a", 8, 0, 30)}, 1},
		"two far apart in the graph":     {[]Anomaly{up(cause.Latency, "a", 9, 0, 30), up(cause.Latency, "x", 9, 0, 30)}, 0},
		"two far apart in time":          {[]Anomaly{up(cause.Latency, "a", 9, 0, 130), up(cause.Latency, "b", 9, 121, 130)}, 0},
		"two incidents at once": {[]Anomaly{
			up(cause.Latency, "a", 9, 0, 5), up(cause.Latency, "b", 9, 0, 5),
			up(cause.Latency, "x", 9, 0, 5), up(cause.Latency, "y", 9, 0, 5),
		}, 2},
		"a chain":                     {[]Anomaly{up(cause.Latency, "a", 6, 0, 5), up(cause.Latency, "b", 6, 100, 105), up(cause.Latency, "c", 6, 200, 205)}, 1},
		"good news":                   {[]Anomaly{down(up(cause.ErrorRatio, "a", 30, 0, 60)), down(up(cause.Latency, "b", 30, 0, 60))}, 0},
		"rates and use":               {[]Anomaly{up(cause.RequestRate, "a", 30, 0, 60), up(cause.EdgeRate, "a>b", 30, 0, 60), up(cause.Utilization, "b", 30, 0, 60)}, 0},
		"series that nobody knows":    {[]Anomaly{{ID: "1", Service: "a", Up: true, Score: 50, Start: at(0), Last: at(60)}}, 0},
		"one strong one, just begun":  {[]Anomaly{up(cause.ErrorRatio, "a", 30, 0, 15)}, 0},
		"one strong one that goes on": {[]Anomaly{up(cause.ErrorRatio, "a", 18, 0, 20)}, 1},
		"two that ended long ago":     {[]Anomaly{ended(up(cause.Latency, "a", 20, -100, -60), -60), ended(up(cause.Latency, "b", 20, -100, -60), -60)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := newScript().step(0, tt.anomalies...)
			require.Len(t, got, tt.want)
		})
	}
}

// script steps a tracker; incidents are called i1, i2, …
type script struct {
	*Tracker
	names int
}

func newScript() *script { return &script{Tracker: NewTracker(rules, nil)} }

func (s *script) step(now int, anomalies ...Anomaly) []*Incident {
	return s.Step(at(now), anomalies, near, func(time.Time) string { s.names++; return fmt.Sprint("i", s.names) })
}

func members(i *Incident) []string { return slices.Sorted(maps.Keys(i.Members)) }

func TestAnIncidentGrowsAndEndsWhenItsTroublesHaveBeenQuiet(t *testing.T) {
	s := newScript()
	a, b := up(cause.Latency, "a", 9, 0, 5), up(cause.Latency, "b", 9, 5, 5)
	got := s.step(5, a, b)
	require.Equal(t, at(0), got[0].Start)

	late, load := up(cause.ErrorRatio, "c", 7, 100, 105), up(cause.RequestRate, "a", 9, 100, 105)
	got = s.step(105, a, b, late, load)
	require.Len(t, got, 1)
	require.True(t, got[0].Changed)
	require.Len(t, got[0].Members, 4)

	got = s.step(106, a, b, late, load)
	require.False(t, got[0].Changed)

	a, b, late = ended(a, 110), ended(b, 115), ended(late, 112)
	got = s.step(174, a, b, late, load)
	require.True(t, got[0].End.IsZero(), "the load that is still up holds nothing open, but it is only 59 s")
	got = s.step(175, a, b, late, load)
	require.Equal(t, at(115), got[0].End)
	require.Empty(t, s.Open())
	require.Empty(t, s.step(176, a, b, late, load), "what is over does not begin again")
}

func TestAMemberThatIsGoneHasEnded(t *testing.T) {
	s := newScript()
	got := s.step(5, up(cause.Latency, "a", 9, 0, 5), up(cause.Latency, "b", 9, 0, 5))
	s.step(6)
	require.Empty(t, s.step(64)[0].End)
	require.Len(t, s.step(65), 1)
	require.Equal(t, at(5), got[0].End)
}

func TestASeriesThatComesBackIsTheSameIncident(t *testing.T) {
	s := newScript()
	a, b := up(cause.Latency, "a", 9, 0, 200), up(cause.Latency, "b", 9, 0, 200)
	s.step(200, a, b)
	again := up(cause.Latency, "b", 9, 230, 240)
	got := s.step(240, a, ended(b, 200), again)
	require.Len(t, got, 1)
	require.Len(t, got[0].Members, 3)
}

func TestIncidentsThatGrowTogetherBecomeTheOldest(t *testing.T) {
	s := newScript()
	first := []Anomaly{up(cause.Latency, "a", 9, 0, 60), up(cause.ErrorRatio, "a", 9, 0, 60)}
	second := []Anomaly{up(cause.Latency, "c", 9, 10, 60), up(cause.ErrorRatio, "c", 9, 10, 60)}
	require.Len(t, s.step(60, append(slices.Clone(first), second...)...), 2)
	bridge := up(cause.Latency, "b", 6, 50, 61)
	got := s.step(61, append(append(slices.Clone(first), second...), bridge)...)
	require.Len(t, got, 2)
	require.Equal(t, "i1", got[1].Into)
	require.False(t, got[1].End.IsZero())
	require.Len(t, s.Open(), 1)
	require.Len(t, s.Open()[0].Members, 5)
	require.Len(t, s.step(62, append(append(slices.Clone(first), second...), bridge)...), 1)
}

func TestSupportJoinsAndNeverBridges(t *testing.T) {
	s := newScript()
	got := s.step(60,
		up(cause.Latency, "a", 9, 0, 60), up(cause.ErrorRatio, "a", 9, 0, 60),
		up(cause.Latency, "c", 9, 10, 60), up(cause.ErrorRatio, "c", 9, 10, 60),
		up(cause.RequestRate, "b", 20, 5, 60))
	require.Len(t, got, 2)
	require.Len(t, got[0].Members, 3)
	require.Len(t, got[1].Members, 2)
}

// However anomalies come and go: a trouble is in one open incident at most, and everything ends once all is calm.
func TestAnomaliesAreInOneIncidentAndAllIncidentsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScript()
		live := map[string]Anomaly{}
		now := 0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now += rapid.IntRange(1, 40).Draw(t, "pause")
			for id, a := range live {
				if a.End.IsZero() && rapid.Bool().Draw(t, "ends") {
					live[id] = ended(a, now)
				}
			}
			about := rapid.SampledFrom([]string{"a", "b", "c", "x", "y", "a>b", "b>c"}).Draw(t, "about")
			series := rapid.SampledFrom([]string{cause.Latency, cause.ErrorRatio, cause.RequestRate}).Draw(t, "series")
			a := up(series, about, rapid.Float64Range(6, 30).Draw(t, "score"), now, now)
			live[a.ID] = a
			s.step(now, slices.Collect(maps.Values(live))...)
			held := map[string]string{}
			for _, i := range s.Open() {
				require.True(t, i.End.IsZero())
				for _, id := range members(i) {
					require.Empty(t, held[id])
					held[id] = i.ID
				}
			}
		}
		s.step(now + 1)
		s.step(now + 1 + int(rules.Quiet/time.Second))
		require.Empty(t, s.Open())
	})
}
