package sequence_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/services/ingestion/internal/sequence"
)

// model judges a stream with a fact for every single number.
type model struct {
	limits  sequence.Limits
	came    map[uint64]bool
	missing map[uint64]*passed
	top     uint64
	batches uint64
}

// passed is a number that was passed over.
type passed struct {
	at    time.Time
	batch uint64
	lost  bool
}

func newModel(limits sequence.Limits) *model {
	return &model{limits: limits, came: map[uint64]bool{}, missing: map[uint64]*passed{}}
}

func (m *model) observe(now time.Time, first, count uint64) (f sequence.Findings) {
	if count > 0 {
		m.batches++
	}
	late := false
	for n := first; n < first+count; n++ {
		hole := m.missing[n]
		switch {
		case m.came[n]:
			f.Duplicate++
			continue
		case hole != nil && hole.lost:
			f.Recovered++
		}
		f.Received++
		m.came[n] = true
		delete(m.missing, n)
		late = late || hole != nil
		for ; m.top < n; m.top++ {
			if !m.came[m.top+1] {
				m.missing[m.top+1] = &passed{at: now, batch: m.batches - 1}
			}
		}
	}
	if late {
		f.Reordered = 1
	}
	for _, hole := range m.missing {
		if !hole.lost && (m.batches-hole.batch >= m.limits.Batches || now.Sub(hole.at) >= m.limits.Wait) {
			hole.lost = true
			f.Gap++
		}
	}
	return f
}

func TestATrackerFindsWhatAModelOfEveryNumberFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := sequence.Limits{
			Batches: rapid.Uint64Range(1, 6).Draw(t, "batches"),
			Wait:    time.Duration(rapid.IntRange(1, 20).Draw(t, "wait")) * time.Second,
			Jump:    1000, Young: 1000, Holes: 1000,
		}
		tracker, m := sequence.NewTracker(limits), newModel(limits)
		now := start
		var all sequence.Findings
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "pause")) * time.Second)
			first, count := rapid.Uint64Range(1, 80).Draw(t, "first"), rapid.Uint64Range(0, 12).Draw(t, "count")
			got := tracker.Observe(now, first, count)
			require.Equal(t, m.observe(now, first, count), got, "%d from %d", count, first)
			all.Add(got)
		}
		all.Add(tracker.Expire(now.Add(limits.Wait)))
		require.EqualValues(t, len(m.came), all.Received)
		require.Equal(t, m.top-uint64(len(m.came)), all.Missing(), "in the end all that did not come is missing")
	})
}

// judge holds for a stream of any numbers whatever: each number of a batch is accounted for once, what is called new
// is new and what is called a duplicate is one, until the stream begins anew.
func judge(t require.TestingT, limits sequence.Limits, batches [][2]uint64) {
	tracker := sequence.NewTracker(limits)
	var all sequence.Findings
	came := map[uint64]bool{}
	for i, b := range batches {
		first, count := b[0], b[1]
		f := tracker.Observe(start.Add(time.Duration(i)*time.Second), first, count)
		all.Add(f)
		require.LessOrEqual(t, all.Recovered, all.Gap)
		require.LessOrEqual(t, f.Recovered, f.Received)
		if f.Strange > 0 {
			require.Zero(t, f.Received+f.Duplicate+f.Old+f.Reordered+f.Resyncs)
			continue
		}
		require.Equal(t, count, f.Received+f.Duplicate+f.Old)
		if all.Resyncs > 0 || count > 100 {
			return
		}
		var fresh uint64
		for n := first; n-first < count; n++ {
			if !came[n] {
				fresh++
			}
			came[n] = true
		}
		require.LessOrEqual(t, f.Received, fresh)
		require.LessOrEqual(t, f.Duplicate, count-fresh)
	}
}

func TestFewHolesNeverMakeAClaimThatIsWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := sequence.Limits{Batches: 4, Wait: 5 * time.Second, Jump: 30, Young: rapid.Uint64Range(0, 10).Draw(t, "young"), Holes: rapid.IntRange(1, 4).Draw(t, "holes")}
		batches := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]uint64 {
			return [2]uint64{rapid.Uint64Range(0, 90).Draw(t, "first"), rapid.Uint64Range(0, 35).Draw(t, "count")}
		}), 1, 50).Draw(t, "batches")
		judge(t, limits, batches)
	})
}

func FuzzObserve(f *testing.F) {
	f.Add([]byte{1, 3, 9, 2, 4, 5, 255, 1})
	f.Add(binary.LittleEndian.AppendUint64([]byte{1, 1, 0, 3}, 1<<63))
	f.Fuzz(func(t *testing.T, b []byte) {
		var batches [][2]uint64
		for len(b) >= 2 && len(batches) < 64 {
			first, count := uint64(b[0]), uint64(b[1])
			b = b[2:]
			if first == 0 && len(b) >= 8 {
				first, b = binary.LittleEndian.Uint64(b), b[8:]
			}
			batches = append(batches, [2]uint64{first, count})
		}
		judge(t, strict(), batches)
	})
}
