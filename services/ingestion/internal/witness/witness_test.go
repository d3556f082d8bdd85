package witness_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

func digest(text string) witness.Digest { return sha256.Sum256([]byte(text)) }

func batch(n uint64) witness.Batch {
	return witness.Batch{Stream: "cart", Sequence: n, Signal: handoffv1.Signal_SIGNAL_TRACES}
}

func signer(t require.TestingT, name string) *witness.Signer {
	s, err := witness.NewSigner(name, seed(name))
	require.NoError(t, err)
	return s
}

func ring(t require.TestingT, names ...string) witness.Keyring {
	keys := map[string]string{}
	for _, name := range names {
		keys[name] = signer(t, name).PublicKey()
	}
	k, err := witness.NewKeyring(keys)
	require.NoError(t, err)
	return k
}

// says gives the receipt of a collector for any contents: each time from a new memory, as a liar would.
func says(t require.TestingT, collector string, b witness.Batch, contents string) witness.Receipt {
	r, _, err := witness.New(signer(t, collector), witness.Keyring{}, 1).Sign(b, digest(contents))
	require.NoError(t, err)
	return r
}

func see(t require.TestingT, w *witness.Witness, r witness.Receipt) *witness.Contradiction {
	c, err := w.Seen(r)
	require.NoError(t, err)
	return c
}

func TestCollectorsThatAgreeDoNotContradict(t *testing.T) {
	w := witness.New(signer(t, "a"), ring(t, "a", "b", "c"), 10)
	require.Nil(t, see(t, w, says(t, "b", batch(1), "x")))
	r, c, err := w.Sign(batch(1), digest("x"))
	require.NoError(t, err)
	require.Nil(t, c)
	require.Nil(t, see(t, w, r), "its own receipt came back")
	require.Nil(t, see(t, w, says(t, "c", batch(1), "x")))
	require.Nil(t, see(t, w, says(t, "c", batch(2), "y")), "another batch")
}

func TestTwoCollectorsThatDisagreeAreATie(t *testing.T) {
	for _, names := range [][]string{{"b"}, {"a", "b"}, {"a", "b", "c"}} {
		w := witness.New(signer(t, "a"), ring(t, names...), 10)
		own, _, err := w.Sign(batch(1), digest("x"))
		require.NoError(t, err)
		lie := says(t, "b", batch(1), "y")
		c := see(t, w, lie)
		require.NotNil(t, c)
		require.Empty(t, c.Suspects)
		require.Equal(t, []string{"a", "b"}, c.Collectors())
		require.Equal(t, []witness.Receipt{own}, c.Against(lie, "a"))
		require.Empty(t, c.Against(own, "a"))
		require.Equal(t, "batch 1 of cart: a vouches for 2d711642, b vouches for a1fce436; nobody can tell who is right", c.String())
		require.Nil(t, see(t, w, lie), "it is told once")
	}
}

func TestThreeCollectorsNameTheOneThatLies(t *testing.T) {
	w := witness.New(signer(t, "a"), ring(t, "a", "b", "c"), 10)
	require.Nil(t, see(t, w, says(t, "b", batch(1), "y")))
	_, c, err := w.Sign(batch(1), digest("x"))
	require.NoError(t, err)
	require.Empty(t, c.Suspects, "still a tie")
	c = see(t, w, says(t, "c", batch(1), "x"))
	require.Equal(t, []string{"b"}, c.Suspects)
	require.Empty(t, c.Equivocal)
	require.Equal(t, []int{2, 3}, []int{c.Agreed, c.Known})
	require.Contains(t, c.String(), "; 2 of 3 agree against b")
}

func TestThreeDifferentWordsAreATie(t *testing.T) {
	w := witness.New(nil, ring(t, "a", "b", "c"), 10)
	for _, name := range []string{"a", "b"} {
		see(t, w, says(t, name, batch(1), name))
	}
	c := see(t, w, says(t, "c", batch(1), "c"))
	require.Empty(t, c.Suspects)
	require.Equal(t, []string{"a", "b", "c"}, c.Collectors())
}

func TestACollectorThatSignsTwoDigestsIsNamedAtOnce(t *testing.T) {
	w := witness.New(nil, ring(t, "a", "b"), 10)
	require.Nil(t, see(t, w, says(t, "b", batch(1), "x")))
	c := see(t, w, says(t, "b", batch(1), "y"))
	require.Equal(t, []string{"b"}, c.Suspects)
	require.Equal(t, []string{"b"}, c.Equivocal)
	require.Contains(t, c.String(), "; b signed both")
	require.Nil(t, see(t, w, says(t, "b", batch(1), "z")), "two are proof enough")
	c = see(t, w, says(t, "a", batch(1), "x"))
	require.Equal(t, []string{"b"}, c.Suspects, "and a is not drawn in")
}

func TestABatchIsSignedWithOneDigest(t *testing.T) {
	w := witness.New(signer(t, "a"), ring(t), 10)
	first, _, err := w.Sign(batch(1), digest("x"))
	require.NoError(t, err)
	again, c, err := w.Sign(batch(1), digest("x"))
	require.NoError(t, err)
	require.Nil(t, c)
	require.Equal(t, first, again)
	_, _, err = w.Sign(batch(1), digest("y"))
	require.ErrorIs(t, err, witness.ErrChanged)
	require.EqualError(t, err, `batch 1 of "cart": batch was sent again with other contents`)
}

func TestWhoMakesBatchesUpPushesOutItsOwnOnly(t *testing.T) {
	w := witness.New(nil, ring(t, "a", "b"), 3)
	require.Nil(t, see(t, w, says(t, "a", batch(1), "x")))
	for n := range uint64(20) {
		require.Nil(t, see(t, w, says(t, "b", batch(100+n), "x")))
	}
	require.Equal(t, 4, w.Batches())
	require.NotNil(t, see(t, w, says(t, "b", batch(1), "y")), "what a said is remembered")
	require.Nil(t, see(t, w, says(t, "a", batch(100), "y")), "what b said first is not")
}

func TestManyMaySignAndSeeAtOnce(t *testing.T) {
	w := witness.New(signer(t, "a"), ring(t, "a", "b"), 1000)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards found
	found := 0
	for worker := range 4 {
		wg.Go(func() {
			for n := range uint64(20) {
				var c *witness.Contradiction
				if worker%2 == 0 {
					_, c, _ = w.Sign(batch(n), digest("x"))
				} else {
					c, _ = w.Seen(says(t, "b", batch(n), "y"))
				}
				if c != nil {
					mu.Lock()
					found++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 20, found, "each contradiction is told once")
}

// TestAnHonestCollectorIsNeverASuspect lets fewer than half of the collectors lie, together or each for itself, and loses,
// repeats and mixes up the receipts.
func TestAnHonestCollectorIsNeverASuspect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d", "e"}[:rapid.IntRange(2, 5).Draw(t, "collectors")]
		liars := names[:rapid.IntRange(0, (len(names)-1)/2).Draw(t, "liars")]
		var all []witness.Receipt
		for n := range uint64(3) {
			for _, name := range names {
				if !slices.Contains(liars, name) {
					all = append(all, says(t, name, batch(n), "true"))
					continue
				}
				for _, contents := range rapid.SliceOfN(rapid.SampledFrom([]string{"true", "lie", "other"}), 0, 3).Draw(t, "lies") {
					all = append(all, says(t, name, batch(n), contents))
				}
			}
		}
		w := witness.New(nil, ring(t, names...), 100)
		words := map[string]map[witness.Digest]bool{} // that arrived, by collector and batch
		for range rapid.IntRange(0, 2*len(all)).Draw(t, "shown") {
			r := rapid.SampledFrom(all).Draw(t, "receipt")
			key := fmt.Sprint(r.Collector, r.Sequence)
			if words[key] == nil {
				words[key] = map[witness.Digest]bool{}
			}
			second := len(words[key]) == 1 && !words[key][r.Digest]
			words[key][r.Digest] = true
			c := see(t, w, r)
			if second {
				require.Contains(t, c.Equivocal, r.Collector)
			}
			if c == nil {
				continue
			}
			require.NotEmpty(t, liars)
			require.Subset(t, liars, c.Suspects)
		}
	})
}

func BenchmarkSeen(b *testing.B) {
	w := witness.New(nil, ring(b, "a"), 100)
	r := says(b, "a", batch(1), "x")
	b.ReportAllocs()
	for b.Loop() {
		see(b, w, r)
	}
}
