package handoff

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func TestAFrameIsTheMessageOfTheContract(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := Batch{
			Sender: rapid.StringN(0, 20, 128).Draw(rt, "sender"), Tenant: rapid.StringN(0, 20, 64).Draw(rt, "tenant"),
			Position: rapid.Uint64().Draw(rt, "position"), TotalItems: rapid.Uint64().Draw(rt, "total"),
			Items: rapid.IntRange(0, 1<<30).Draw(rt, "items"), Signal: handoffv1.Signal(rapid.IntRange(0, 3).Draw(rt, "signal")),
		}
		if rapid.Bool().Draw(rt, "received") {
			b.ReceiveTime = time.Unix(rapid.Int64Range(0, 1<<33).Draw(rt, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(rt, "nanos")).UTC()
		}
		payload := []byte(strings.Repeat("x", rapid.IntRange(1, 4000).Draw(rt, "bytes")))
		sequence, sum := rapid.Uint64().Draw(rt, "sequence"), rapid.Uint32().Draw(rt, "digest")
		freed := 0
		encoded, err := frames{}.Marshal(newFrame(b, payload, sum, sequence, func() { freed++ }))
		require.NoError(rt, err)
		wire := encoded.Materialize()
		encoded.Free()
		require.Equal(rt, 1, freed)

		want := &handoffv1.PushRequest{
			Sender: b.Sender, Tenant: b.Tenant, Sequence: sequence, Position: b.Position, TotalItems: b.TotalItems,
			Items: uint32(b.Items), Signal: b.Signal, Crc32C: sum, Payload: payload,
		}
		if !b.ReceiveTime.IsZero() {
			want.ReceiveTime = timestamppb.New(b.ReceiveTime)
		}
		got := new(handoffv1.PushRequest)
		require.NoError(rt, proto.Unmarshal(wire, got))
		require.True(rt, proto.Equal(want, got), "%v, want %v", got, want)
		require.Empty(rt, got.ProtoReflect().GetUnknown())
	})
}

func TestTheCodecOfAStreamTakesNothingElse(t *testing.T) {
	_, err := frames{}.Marshal("text")
	require.ErrorContains(t, err, "want a frame")
	require.ErrorContains(t, frames{}.Unmarshal(nil, "text"), "want a response")
}
