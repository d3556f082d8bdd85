package threshold_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/threshold"
)

// The vectors of the specification's tracestate handling page.
func TestProbabilitiesHaveTheThresholdsOfTheSpecification(t *testing.T) {
	for _, c := range []struct {
		p         float64
		precision int
		want      string
	}{
		{1, 4, "0"},
		{1.0 / 2, 4, "8"},
		{1.0 / 3, 4, "aaab"},
		{1.0 / 4, 4, "c"},
		{1.0 / 5, 4, "cccd"},
		{1.0 / 8, 4, "e"},
		{1.0 / 10, 4, "e666"},
		{1.0 / 16, 4, "f"},
		{1.0 / 100, 4, "fd70a"},
		{1.0 / 1000, 4, "ffbe77"},
		{1.0 / 10000, 4, "fff9724"},
		{1.0 / 100, 5, "fd70a4"},
		{1.0 / 3, 3, "aab"},
		{1.0 / 100000, 4, "ffff583a"},
		{1.0 / 1000000, 4, "ffffef39"},
		{1.0 / 1000000, 5, "ffffef391"},
		{0.99, 4, "028f"},
		{1 - 0x1p-53, 4, "0"}, // the largest float64 below 1
		{2.0 / 3, 14, "55555555555558"},
		{threshold.MinProbability, 4, "ffffffffffffff"},
		{2 * threshold.MinProbability, 4, "fffffffffffffe"},
	} {
		got, err := threshold.FromProbability(c.p, c.precision)
		require.NoError(t, err)
		require.Equal(t, c.want, got.String(), "p = %v, precision %d", c.p, c.precision)
	}
}

func TestSharesOutsideTheRangeHaveNoThreshold(t *testing.T) {
	for _, p := range []float64{0, -1, threshold.MinProbability / 2, 1.0000001, math.NaN(), math.Inf(1)} {
		_, err := threshold.FromProbability(p, 4)
		require.ErrorContains(t, err, "want 2^-56 to 1", "p = %v", p)
	}
	for _, precision := range []int{0, 15} {
		_, err := threshold.FromProbability(0.5, precision)
		require.ErrorContains(t, err, "want 1 to 14")
	}
}

func TestAThresholdIsContinuedWithZeros(t *testing.T) {
	for _, c := range []struct {
		text          string
		value         uint64
		adjustedCount float64
	}{
		{"0", 0, 1},
		{"8", 0x80000000000000, 2},
		{"c", 0xc0000000000000, 4},
		{"c000", 0xc0000000000000, 4},
		{"fff", 0xfff00000000000, 4096},
		{"ffffffffffffff", 0xffffffffffffff, 1 << 56},
	} {
		got, err := threshold.Parse(c.text)
		require.NoError(t, err)
		require.Equal(t, threshold.Threshold(c.value), got)
		require.Equal(t, c.adjustedCount, got.AdjustedCount())
		require.Equal(t, 1/c.adjustedCount, got.Probability())
	}
}

func TestWhatIsNoHexOfTheRightLengthIsRefused(t *testing.T) {
	for _, s := range []string{"", "0x1", "C", "+1", " 1", "123456789abcdef", "é"} {
		_, err := threshold.Parse(s)
		require.Error(t, err, "th:%s", s)
	}
	for _, s := range []string{"", "6e6d1a75832a2", "6e6d1a75832a2ff", "6E6d1a75832a2f", "6e6d1a75832a2g"} {
		_, err := threshold.ParseRandomness(s)
		require.Error(t, err, "rv:%s", s)
	}
}

func TestRandomnessIsTheEndOfTheTraceID(t *testing.T) {
	trace := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0x6e, 0x6d, 0x1a, 0x75, 0x83, 0x2a, 0x2f}
	r := threshold.OfTrace(trace)
	require.Equal(t, "6e6d1a75832a2f", r.String())
	parsed, err := threshold.ParseRandomness(r.String())
	require.NoError(t, err)
	require.Equal(t, r, parsed)
}

func TestATraceIsKeptFromItsThresholdOn(t *testing.T) {
	const half = threshold.Threshold(1 << 55)
	require.False(t, half.Keeps(1<<55-1))
	require.True(t, half.Keeps(1<<55))
	require.True(t, threshold.Threshold(0).Keeps(0))
}

func FuzzThresholdsSurviveTheirText(f *testing.F) {
	f.Add("fd70a")
	f.Add("0")
	f.Add("ffffffffffffff")
	f.Fuzz(func(t *testing.T, s string) {
		th, err := threshold.Parse(s)
		if err != nil {
			return
		}
		again, err := threshold.Parse(th.String())
		require.NoError(t, err)
		require.Equal(t, th, again)
		same, err := threshold.FromProbability(th.Probability(), threshold.Digits)
		require.NoError(t, err)
		// A float64 has 53 bits, so the last 3 of 56 may be rounded.
		require.InDelta(t, float64(th), float64(same), 8)
	})
}

func FuzzRoundingKeepsTheRelativeErrorOfAShare(f *testing.F) {
	f.Add(0.1)
	f.Add(1e-12)
	f.Fuzz(func(t *testing.T, p float64) {
		for precision := 1; precision <= threshold.Digits; precision++ {
			th, err := threshold.FromProbability(p, precision)
			if err != nil {
				return
			}
			// One significant digit past the f's leaves at least 1/16 of the space, of which half a unit is rounded.
			relative := math.Pow(16, float64(1-precision)) / 2
			require.InEpsilon(t, p, th.Probability(), relative+1.0/(p*(1<<56)))
		}
	})
}
