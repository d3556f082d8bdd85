package ingestion

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/handoff"
)

func TestARecordGivesWhatWasPutIntoIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := handoff.Entry{
			ReceiveTime: time.Unix(0, rapid.Int64Min(0).Draw(rt, "time")).UTC(),
			Tenant:      rapid.StringN(0, 20, 64).Draw(rt, "tenant"),
			Payload:     append([]byte{0x0a}, rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(rt, "payload")...),
		}
		items := rapid.IntRange(0, 1<<30).Draw(rt, "items")
		record := append(append([]byte{}, want.Payload...), encode(nil, want.ReceiveTime, items, want.Tenant)...)
		var got handoff.Entry
		require.NoError(rt, decode(record, &got))
		require.Equal(rt, want, got)
	})
}

// TestRecordsOfOlderProgramsAreRead has the layouts of versions 1 and 2.
func TestRecordsOfOlderProgramsAreRead(t *testing.T) {
	at := time.Unix(7, 8).UTC()
	header := func(version byte) []byte {
		b := binary.LittleEndian.AppendUint64([]byte{version}, uint64(at.UnixNano()))
		return binary.LittleEndian.AppendUint32(b, 3)
	}
	var first, second handoff.Entry
	require.NoError(t, decode(append(header(1), "payload"...), &first))
	require.Equal(t, handoff.Entry{ReceiveTime: at, Payload: []byte("payload")}, first)
	require.NoError(t, decode(append(append(header(2), 4), "shoppayload"...), &second))
	require.Equal(t, handoff.Entry{ReceiveTime: at, Tenant: "shop", Payload: []byte("payload")}, second)
}

func TestARecordThatIsNoneIsRefused(t *testing.T) {
	for name, record := range map[string][]byte{
		"empty":                    nil,
		"version 1 without fields": {1, 2, 3},
		"version 2 without tenant": {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9},
		"version 3 without fields": {0x0a, 3},
		"version 3 without tenant": append([]byte{0x0a}, append([]byte{200}, append(make([]byte, 12), 3)...)...),
		"a newer version":          append([]byte{0x0a}, append(make([]byte, 13), 4)...),
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, decode(record, new(handoff.Entry))) })
	}
}
