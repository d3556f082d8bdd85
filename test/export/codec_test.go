package export

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBytesPassThroughAsTheyAre(t *testing.T) {
	sent := []byte{0xff, 0, 1}
	data, err := Codec{}.Marshal(sent)
	require.NoError(t, err)
	var got []byte
	require.NoError(t, Codec{}.Unmarshal(data, &got))
	require.Equal(t, sent, got)
	_, err = Codec{}.Marshal("text")
	require.ErrorContains(t, err, "want bytes")
	require.Error(t, Codec{}.Unmarshal(data, new(string)))
}
