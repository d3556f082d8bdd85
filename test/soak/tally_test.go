package soak

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATallyTellsWhatIsLostComesTwiceOrChanges(t *testing.T) {
	for name, c := range map[string]struct {
		come func(*tally)
		says string
	}{
		"all of it": {func(y *tally) { y.received(1, []byte("a"), []uint64{1, 2, 3}) }, ""},
		"a batch again": {func(y *tally) {
			y.received(1, []byte("a"), []uint64{1, 2, 3})
			y.received(1, []byte("a"), []uint64{1, 2, 3})
		}, ""},
		"one less": {func(y *tally) { y.received(1, []byte("a"), []uint64{1, 3}) }, "1 of 3 acknowledged items lost, 0 came twice, 0 positions"},
		"one at two positions": {func(y *tally) {
			y.received(1, []byte("a"), []uint64{1, 2, 3})
			y.received(2, []byte("b"), []uint64{3})
		}, "0 of 3 acknowledged items lost, 1 came twice, 0 positions"},
		"another at its position": {func(y *tally) {
			y.received(1, []byte("a"), []uint64{1, 2, 3})
			y.received(1, []byte("b"), []uint64{4})
		}, "0 of 3 acknowledged items lost, 0 came twice, 1 positions"},
	} {
		t.Run(name, func(t *testing.T) {
			y := newTally()
			y.acknowledged(y.draw(3), 3)
			require.EqualValues(t, 4, y.draw(1), "a number is drawn once")
			c.come(y)
			if err := y.verdict(); c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
			}
		})
	}
}
