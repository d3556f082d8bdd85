package sequence_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/services/ingestion/internal/sequence"
)

var start = time.Unix(1_800_000_000, 0)

// strict calls a number lost when three batches or ten seconds went by.
func strict() sequence.Limits {
	return sequence.Limits{Batches: 3, Wait: 10 * time.Second, Jump: 1000, Holes: 4}
}

// step is a batch that comes so long after the start, and what it shows; a count of 0 only lets time go by.
type step struct {
	at           time.Duration
	first, count uint64
	want         sequence.Findings
}

func TestAStreamIsJudged(t *testing.T) {
	const last = math.MaxUint64
	for name, steps := range map[string][]step{
		"all in order": {
			{0, 1, 10, sequence.Findings{Received: 10}},
			{0, 11, 5, sequence.Findings{Received: 5}},
			{time.Hour, 16, 1, sequence.Findings{Received: 1}},
		},
		"a gap is lost when enough batches overtook it": {
			{0, 1, 10, sequence.Findings{Received: 10}},
			{0, 21, 10, sequence.Findings{Received: 10}},
			{0, 31, 10, sequence.Findings{Received: 10}},
			{0, 41, 10, sequence.Findings{Received: 10, Gap: 10}},
			{0, 51, 10, sequence.Findings{Received: 10}},
		},
		"a gap is lost when time went by, also in silence": {
			{0, 1, 1, sequence.Findings{Received: 1}},
			{0, 3, 1, sequence.Findings{Received: 1}},
			{9 * time.Second, 0, 0, sequence.Findings{}},
			{10 * time.Second, 0, 0, sequence.Findings{Gap: 1}},
			{20 * time.Second, 0, 0, sequence.Findings{}},
		},
		"an overtaken batch is no gap": {
			{0, 1, 10, sequence.Findings{Received: 10}},
			{0, 21, 10, sequence.Findings{Received: 10}},
			{0, 11, 10, sequence.Findings{Received: 10, Reordered: 1}},
			{time.Hour, 31, 10, sequence.Findings{Received: 10}},
		},
		"what comes after it was lost corrects the gap": {
			{0, 1, 10, sequence.Findings{Received: 10}},
			{0, 21, 10, sequence.Findings{Received: 10}},
			{time.Minute, 31, 1, sequence.Findings{Received: 1, Gap: 10}},
			{time.Minute, 13, 4, sequence.Findings{Received: 4, Recovered: 4, Reordered: 1}},
			{time.Minute, 11, 10, sequence.Findings{Received: 6, Recovered: 6, Duplicate: 4, Reordered: 1}},
		},
		"a fall back to 1 is a duplicate": {
			{0, 1, 10, sequence.Findings{Received: 10}},
			{0, 1, 10, sequence.Findings{Duplicate: 10}},
			{0, 5, 10, sequence.Findings{Received: 4, Duplicate: 6}},
		},
		"a stream is judged from where it is joined": {
			{0, 501, 10, sequence.Findings{Received: 10}},
			{0, 491, 15, sequence.Findings{Old: 10, Duplicate: 5}},
		},
		"one number that cannot be meant changes nothing": {
			{0, 1, 10, sequence.Findings{Received: 10}},
			{0, 1 << 40, 10, sequence.Findings{Strange: 1}},
			{0, 11, 10, sequence.Findings{Received: 10}},
			{0, 1<<40 + 10, 10, sequence.Findings{Strange: 1}},
			{0, 21, 10, sequence.Findings{Received: 10}},
		},
		"two batches that go on from each other move the stream, there and back": {
			{0, 1, 10, sequence.Findings{Received: 10}},
			{0, 21, 10, sequence.Findings{Received: 10}},
			{0, 1 << 40, 10, sequence.Findings{Strange: 1}},
			{0, 1<<40 + 10, 10, sequence.Findings{Received: 10, Gap: 10, Resyncs: 1}},
			{0, 1<<40 + 20, 10, sequence.Findings{Received: 10}},
			{0, 31, 10, sequence.Findings{Strange: 1}},
			{0, 41, 10, sequence.Findings{Received: 10, Resyncs: 1}},
		},
		"the lowest hole is given up when there are too many": {
			{0, 1, 1, sequence.Findings{Received: 1}},
			{0, 3, 1, sequence.Findings{Received: 1}},
			{0, 5, 1, sequence.Findings{Received: 1}},
			{0, 7, 1, sequence.Findings{Received: 1, Gap: 1}}, // 2, by three batches
			{0, 10, 1, sequence.Findings{Received: 1, Gap: 1}},
			{0, 13, 1, sequence.Findings{Received: 1, Gap: 1}}, // 6; the hole of 2 goes
			{0, 1, 4, sequence.Findings{Received: 1, Recovered: 1, Duplicate: 1, Old: 2, Reordered: 1, Gap: 2}},
		},
		"a batch that goes over many holes fills them all": {
			{0, 1, 1, sequence.Findings{Received: 1}},
			{0, 3, 1, sequence.Findings{Received: 1}},
			{0, 5, 1, sequence.Findings{Received: 1}},
			{0, 1, 8, sequence.Findings{Received: 5, Duplicate: 3, Reordered: 1}},
			{time.Hour, 9, 1, sequence.Findings{Received: 1}},
		},
		"numbers at the end of their range": {
			{0, last - 20, 10, sequence.Findings{Received: 10}},
			{0, last, 1, sequence.Findings{Received: 1}},
			{0, last - 10, 10, sequence.Findings{Received: 10, Reordered: 1}},
			{0, last, 2, sequence.Findings{Strange: 1}},
			{0, 1, last, sequence.Findings{Strange: 1}},
			{0, last, 1, sequence.Findings{Duplicate: 1}},
		},
		"0 is no number and no count": {
			{0, 0, 0, sequence.Findings{}},
			{0, 7, 0, sequence.Findings{}},
			{0, 0, 5, sequence.Findings{Strange: 1}},
			{0, 1, 5, sequence.Findings{Received: 5}},
			{0, 100, 0, sequence.Findings{}},
			{0, 6, 1, sequence.Findings{Received: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tracker := sequence.NewTracker(strict())
			for i, s := range steps {
				require.Equal(t, s.want, tracker.Observe(start.Add(s.at), s.first, s.count), "step %d", i)
			}
		})
	}
}

// The trap: a checker that goes on comparing with the number that it expected fails for ever after the first gap.
func TestGapResynchronisesInsteadOfFailingForEver(t *testing.T) {
	tracker := sequence.NewTracker(strict())
	var all sequence.Findings
	for n := uint64(1); n <= 1000; n++ {
		if n != 500 {
			all.Add(tracker.Observe(start, n, 1))
		}
	}
	require.Equal(t, sequence.Findings{Received: 999, Gap: 1}, all)
}

func TestAYoungStreamMissesItsFirstNumbers(t *testing.T) {
	limits := strict()
	limits.Young = 100
	tracker := sequence.NewTracker(limits)
	require.Equal(t, sequence.Findings{Received: 10}, tracker.Observe(start, 101, 10))
	require.Equal(t, sequence.Findings{Received: 40, Reordered: 1}, tracker.Observe(start, 1, 40))
	require.Equal(t, sequence.Findings{Gap: 60}, tracker.Expire(start.Add(time.Minute)))

	tracker = sequence.NewTracker(limits)
	require.Equal(t, sequence.Findings{Received: 10}, tracker.Observe(start, 102, 10), "too far on to be its first")
	require.Zero(t, tracker.Expire(start.Add(time.Minute)))
}

func TestCompletenessIsTheShareOfWhatCame(t *testing.T) {
	_, known := sequence.Findings{}.Completeness()
	require.False(t, known)
	share, known := sequence.Findings{Received: 90, Gap: 30, Recovered: 20}.Completeness()
	require.True(t, known)
	require.Equal(t, 0.9, share)
	share, _ = sequence.Findings{Received: 1, Recovered: 5}.Completeness()
	require.Equal(t, 1.0, share)
}

func TestSumsStayAtTheHighestNumber(t *testing.T) {
	f := sequence.Findings{Received: math.MaxUint64 - 1}
	f.Add(sequence.Findings{Received: 5})
	require.Equal(t, uint64(math.MaxUint64), f.Received)
}
