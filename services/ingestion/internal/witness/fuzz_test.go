package witness_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

// FuzzRead reads whatever comes from the wire: it is refused, or it says the same when it is written again.
func FuzzRead(f *testing.F) {
	good, err := proto.Marshal(says(f, "a", batch(1), "x").Proto())
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m ingestionv1.Receipt
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		r, err := witness.Read(&m)
		if err != nil {
			return
		}
		again, err := witness.Read(r.Proto())
		require.NoError(t, err)
		require.Equal(t, r, again)
		require.Error(t, ring(t, "b").Verify(r), "nobody knows the key of b but b")
	})
}
