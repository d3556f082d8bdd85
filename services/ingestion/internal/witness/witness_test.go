package witness_test

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// seconds is a time that a receipt may have.
const seconds = int64(time.Second)

func at(ns int64) time.Time { return time.Unix(0, ns) }

// says gives the receipt of a collector for any contents: each time from a new memory, as a liar would. Its time rises
// with the number of the batch.
func says(t require.TestingT, collector string, b witness.Batch, contents string) witness.Receipt {
	return saysAt(t, seconds+int64(b.Sequence), collector, b, contents)
}

func saysAt(t require.TestingT, ns int64, collector string, b witness.Batch, contents string) witness.Receipt {
	r, _, err := witness.New(signer(t, collector), witness.Keyring{}, 1).Sign(at(ns), b, digest(contents))
	require.NoError(t, err)
	return r
}

func see(t require.TestingT, w *witness.Witness, r witness.Receipt) *witness.Contradiction {
	found, err := w.See(r)
	require.NoError(t, err)
	require.LessOrEqual(t, len(found), 1)
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

func remembered(w *witness.Witness) int {
	batches, _ := w.Counts()
	return batches
}

func TestCollectorsThatAgreeDoNotContradict(t *testing.T) {
	w := witness.New(signer(t, "a"), ring(t, "a", "b", "c"), 10)
	require.Nil(t, see(t, w, says(t, "b", batch(1), "x")))
	r, c, err := w.Sign(at(seconds), batch(1), digest("x"))
	require.NoError(t, err)
	require.Nil(t, c)
	require.Nil(t, see(t, w, r), "its own receipt came back")
	require.Nil(t, see(t, w, says(t, "c", batch(1), "x")))
	require.Nil(t, see(t, w, says(t, "c", batch(2), "y")), "another batch")
}

func TestTwoCollectorsThatDisagreeAreATie(t *testing.T) {
	for _, names := range [][]string{{"b"}, {"a", "b"}, {"a", "b", "c"}} {
		w := witness.New(signer(t, "a"), ring(t, names...), 10)
		own, _, err := w.Sign(at(seconds), batch(1), digest("x"))
		require.NoError(t, err)
		lie := says(t, "b", batch(1), "y")
		c := see(t, w, lie)
		require.NotNil(t, c)
		require.Empty(t, c.Suspects)
		require.Equal(t, []string{"a", "b"}, c.Collectors())
		require.True(t, c.First)
		require.Equal(t, []witness.Receipt{own}, w.Told(lie))
		require.Empty(t, w.Told(own))
		for _, part := range []string{"a at 1970-01-01T00:00:01Z: sha256 2d711642b726b044", "b at 1970", "signed " + base64.StdEncoding.EncodeToString(lie.Signature[:])} {
			require.Contains(t, c.Evidence(), part)
		}
		require.Equal(t, "batch 1 of cart: a vouches for 2d711642, b vouches for a1fce436; nobody can tell who is right", c.String())
		require.Nil(t, see(t, w, lie), "it is told once")
	}
}

func TestThreeCollectorsNameTheOneThatLies(t *testing.T) {
	w := witness.New(signer(t, "a"), ring(t, "a", "b", "c"), 10)
	require.Nil(t, see(t, w, says(t, "b", batch(1), "y")))
	_, c, err := w.Sign(at(seconds), batch(1), digest("x"))
	require.NoError(t, err)
	require.Empty(t, c.Suspects, "still a tie")
	require.True(t, c.First)
	c = see(t, w, says(t, "c", batch(1), "x"))
	require.Equal(t, []string{"b"}, c.Suspects)
	require.False(t, c.First, "it was known that they disagree")
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
	first, _, err := w.Sign(at(seconds), batch(1), digest("x"))
	require.NoError(t, err)
	again, c, err := w.Sign(at(seconds), batch(1), digest("x"))
	require.NoError(t, err)
	require.Nil(t, c)
	require.Equal(t, first, again)
	_, _, err = w.Sign(at(seconds), batch(1), digest("y"))
	require.ErrorIs(t, err, witness.ErrChanged)
	require.EqualError(t, err, `batch 1 of "cart": batch was sent again with other contents`)
}

func TestWhoMakesBatchesUpPushesOutItsOwnOnly(t *testing.T) {
	w := witness.New(nil, ring(t, "a", "b"), 3)
	require.Nil(t, see(t, w, says(t, "a", batch(1), "x")))
	for n := range uint64(20) {
		require.Nil(t, see(t, w, says(t, "b", batch(100+n), "x")))
	}
	require.Equal(t, 4, remembered(w))
	require.NotNil(t, see(t, w, saysAt(t, 2*seconds, "b", batch(1), "y")), "what a said is remembered")
	require.Nil(t, see(t, w, says(t, "a", batch(100), "y")), "what b said first is not")
}

func TestOldReceiptsPushNothingOut(t *testing.T) {
	w := witness.New(nil, ring(t, "a", "b"), 3)
	var old []witness.Receipt
	for n := range uint64(20) {
		r := says(t, "a", batch(n), "x")
		require.Nil(t, see(t, w, r))
		old = append(old, r)
	}
	found, err := w.See(old...)
	require.NoError(t, err)
	require.Empty(t, found)
	_, stale := w.Counts()
	require.EqualValues(t, 17, stale)
	require.NotNil(t, see(t, w, says(t, "b", batch(19), "y")), "the latest is still there")
}

func TestACollectorThatStartsAnewIsRemindedOfWhatItSigned(t *testing.T) {
	before := says(t, "a", batch(1), "x")
	w := witness.New(signer(t, "a"), ring(t, "a"), 10)
	require.Nil(t, see(t, w, before))
	_, _, err := w.Sign(at(1), batch(1), digest("y"))
	require.ErrorIs(t, err, witness.ErrChanged)
	next, _, err := w.Sign(at(1), batch(2), digest("y"))
	require.NoError(t, err)
	require.Greater(t, next.Time, before.Time, "its clock was set back meanwhile")
}

func TestManyMaySignAndSeeAtOnce(t *testing.T) {
	w := witness.New(signer(t, "a"), ring(t, "a", "b"), 1000)
	var wg sync.WaitGroup
	var found atomic.Int32
	for worker := range 4 {
		wg.Go(func() {
			for n := range uint64(20) {
				var c *witness.Contradiction
				if worker%2 == 0 {
					_, c, _ = w.Sign(at(seconds), batch(n), digest("x"))
				} else {
					c = see(t, w, says(t, "b", batch(n), "y"))
				}
				if c != nil {
					found.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 20, found.Load(), "each contradiction is told once")
}

func BenchmarkSignAndSee(b *testing.B) {
	w := witness.New(nil, ring(b, "a"), 100)
	for n := uint64(0); b.Loop(); n++ {
		see(b, w, says(b, "a", batch(n), "x"))
	}
}
