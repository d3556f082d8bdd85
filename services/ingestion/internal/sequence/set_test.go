package sequence_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/services/ingestion/internal/sequence"
)

type key struct{ tenant, stream string }

func TestStreamsAreJudgedApart(t *testing.T) {
	s := sequence.NewSet[key, string](strict(), 10)
	a, b := key{"a", "1f"}, key{"b", "1f"}
	require.Equal(t, sequence.Findings{Received: 5}, s.Observe(start, a, "", 1, 5))
	require.Equal(t, sequence.Findings{Received: 5}, s.Observe(start, b, "", 1, 5), "another tenant's stream of the same name")
	s.Observe(start, a, "its latest sender", 8, 1)

	require.Empty(t, s.Expire(start))
	late := s.Expire(start.Add(time.Minute))
	require.Equal(t, []sequence.Late[key, string]{{Key: a, Owner: "its latest sender", Findings: sequence.Findings{Gap: 2}}}, late)
	require.Empty(t, s.Expire(start.Add(time.Hour)), "what is lost is told once")
	require.Equal(t, sequence.Totals{Findings: sequence.Findings{Received: 11, Gap: 2}, Streams: 2}, s.Totals())
}

func TestAStreamBelongsToWhoSentLast(t *testing.T) {
	s := sequence.NewSet[string, string](strict(), 2)
	s.Observe(start, "a", "first", 1, 1)
	s.Observe(start, "a", "second", 2, 1)
	owner, followed := s.Owner("a")
	require.True(t, followed)
	require.Equal(t, "second", owner)
	_, followed = s.Owner("b")
	require.False(t, followed)
}

func TestTheStreamThatWasSilentForLongestGoes(t *testing.T) {
	s := sequence.NewSet[string, string](strict(), 2)
	s.Observe(start, "a", "", 1, 1)
	s.Observe(start, "a", "", 4, 1)
	s.Observe(start, "b", "", 1, 1)
	s.Observe(start, "c", "", 1, 1)
	require.Equal(t, sequence.Totals{Findings: sequence.Findings{Received: 4, Gap: 2}, Streams: 2, Forgotten: 1}, s.Totals(),
		"the open hole of a counts as lost")
	require.Equal(t, sequence.Findings{Duplicate: 1}, s.Observe(start, "b", "", 1, 1))
	require.Equal(t, sequence.Findings{Received: 1}, s.Observe(start, "a", "", 5, 1), "joined anew")
}

func TestAStreamThatIsKnownToBeginAnewIsNoDuplicate(t *testing.T) {
	s := sequence.NewSet[string, string](strict(), 2)
	s.Observe(start, "a", "", 1, 5)
	s.Forget("a")
	s.Forget("unknown")
	require.Equal(t, sequence.Findings{Received: 5}, s.Observe(start, "a", "", 1, 5))
}

func TestManyMayObserveAtOnce(t *testing.T) {
	s := sequence.NewSet[int, string](sequence.DefaultLimits(), 100)
	const senders, batches = 8, 500
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			for i := range uint64(batches) {
				s.Observe(start, sender, "", i*10+1, 10)
				s.Observe(start, -1, "", uint64(sender)*batches+i+1, 1) // one stream over all of them
			}
			s.Expire(start)
			s.Totals()
		})
	}
	wg.Wait()
	totals := s.Totals()
	require.EqualValues(t, senders*batches*11, totals.Received+totals.Old, "each number once, and none twice")
	require.Equal(t, senders+1, totals.Streams)
}

func BenchmarkObserve(b *testing.B) {
	s := sequence.NewSet[key, string](sequence.DefaultLimits(), 10_000)
	keys := make([]key, 1000)
	for i := range keys {
		keys[i] = key{"default", string(rune('a'+i%26)) + string(rune('a'+i/26))}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Observe(start, keys[i%len(keys)], "", uint64(i/len(keys))*512+1, 512)
	}
}

func TestASetThatHasJustBegunDoesNotKnowWhatCameBefore(t *testing.T) {
	limits := sequence.DefaultLimits()
	s := sequence.NewSet[string, string](limits, 2)
	s.Observe(start, "a", "", 101, 100) // it was sent to the set before this one
	later := start.Add(limits.Wait)
	s.Observe(later, "b", "", 101, 100)
	late := s.Expire(later.Add(limits.Wait))
	require.Len(t, late, 1)
	require.Equal(t, "b", late[0].Key)
	require.EqualValues(t, 100, late[0].Gap)
	s.Observe(later, "c", "", 101, 100) // a stream is forgotten for it, which it may be
	require.Empty(t, s.Expire(later.Add(2*limits.Wait)))
}
