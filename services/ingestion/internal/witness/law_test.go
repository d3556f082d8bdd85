package witness_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

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

// history draws the receipts that collectors give over a while. An honest one signs each batch once, or once more with the
// same digest after a restart; a liar anything.
func history(t *rapid.T, names, liars []string) []witness.Receipt {
	var all []witness.Receipt
	for _, name := range names {
		for i := range rapid.IntRange(0, 12).Draw(t, "receipts") {
			contents := "true"
			if slices.Contains(liars, name) {
				contents = rapid.SampledFrom([]string{"true", "lie", "other"}).Draw(t, "contents")
			}
			n := rapid.Uint64Range(0, 8).Draw(t, "batch")
			all = append(all, saysAt(t, seconds+int64(i), name, batch(n), contents))
		}
	}
	return all
}

// latest tells by a plain rule which batches are remembered of a collector: those that it signed last.
func latest(all []witness.Receipt, collector string, size int) map[witness.Batch]bool {
	last := map[witness.Batch]int64{}
	for _, r := range all {
		if r.Collector == collector {
			last[r.Batch] = max(last[r.Batch], r.Time)
		}
	}
	kept := map[witness.Batch]bool{}
	for b, at := range last {
		newer := 0
		for _, other := range last {
			if other > at {
				newer++
			}
		}
		kept[b] = newer < size
	}
	return kept
}

// TestNeitherOrderNorRepetitionChangesWhatIsRemembered shows receipts in any order, and old ones again.
func TestNeitherOrderNorRepetitionChangesWhatIsRemembered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b"}
		all := history(t, names, nil)
		size := rapid.IntRange(1, 5).Draw(t, "size")
		w := witness.New(signer(t, "c"), ring(t, names...), size)
		for _, r := range rapid.Permutation(all).Draw(t, "order") {
			require.Nil(t, see(t, w, r), "all are honest")
			if len(all) > 0 && rapid.Bool().Draw(t, "again") {
				require.Nil(t, see(t, w, rapid.SampledFrom(all).Draw(t, "replayed")))
			}
		}
		want := 0
		for _, name := range names {
			kept := latest(all, name, size)
			for _, r := range all {
				if r.Collector != name {
					continue
				}
				require.Equal(t, kept[r.Batch], w.Remembers(name, r.Batch), "batch %d of %s", r.Sequence, name)
			}
			for _, is := range kept {
				if is {
					want++
				}
			}
		}
		require.Equal(t, want, remembered(w))
	})
}

// TestWhatWasShownBeforeSaysNothingNew replays any receipts of liars and honest ones, in any order.
func TestWhatWasShownBeforeSaysNothingNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c"}
		all := history(t, names, names[:1])
		w := witness.New(nil, ring(t, names...), rapid.IntRange(1, 4).Draw(t, "size"))
		for _, r := range all {
			see(t, w, r)
		}
		before := remembered(w)
		if len(all) == 0 {
			return
		}
		for range rapid.IntRange(1, 20).Draw(t, "replays") {
			require.Nil(t, see(t, w, rapid.SampledFrom(all).Draw(t, "replayed")))
			require.Equal(t, before, remembered(w))
		}
	})
}

// TestTheTimesThatACollectorSignsRise moves its clock in any way.
func TestTheTimesThatACollectorSignsRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := witness.New(signer(t, "a"), ring(t, "a"), 4)
		last := int64(0)
		for n, now := range rapid.SliceOfN(rapid.Int64Range(seconds, 100*seconds), 1, 20).Draw(t, "clock") {
			r, _, err := w.Sign(at(now), batch(uint64(n)), digest("x"))
			require.NoError(t, err)
			require.Greater(t, r.Time, last)
			require.GreaterOrEqual(t, r.Time, now)
			last = r.Time
		}
	})
}

// TestWhoSignsTwoDigestsIsFoundWhoeverElseSpeaks shows the two receipts of a liar among others.
func TestWhoSignsTwoDigestsIsFoundWhoeverElseSpeaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		others := history(t, []string{"b", "c"}, nil)
		one, two := saysAt(t, seconds, "a", batch(1), "true"), saysAt(t, 2*seconds, "a", batch(1), "lie")
		w := witness.New(nil, ring(t, "a", "b", "c"), 100)
		named := 0
		for _, r := range rapid.Permutation(append(others, one, two)).Draw(t, "order") {
			if c := see(t, w, r); c != nil && slices.Contains(c.Equivocal, "a") {
				require.Equal(t, []string{"a"}, c.Suspects)
				named++
			}
		}
		require.Positive(t, named)
	})
}
