package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

func TestTheBytesThatAreSignedDoNotChange(t *testing.T) {
	s := signer(t, "a")
	b := witness.Batch{Stream: "cart", Sequence: 0x0102030405060708, Signal: handoffv1.Signal_SIGNAL_METRICS}
	r, _, err := witness.New(s, ring(t, "a"), 10).Sign(b, digest("x"))
	require.NoError(t, err)

	d := digest("x")
	signed := "triflow receipt v1" +
		"\x00\x00\x00\x01a" +
		"\x00\x00\x00\x04cart" +
		"\x01\x02\x03\x04\x05\x06\x07\x08" +
		"\x00\x00\x00\x00\x00\x00\x00\x03" +
		"\x00\x00\x00\x20" + string(d[:])
	key := ed25519.NewKeyFromSeed(seed("a")).Public().(ed25519.PublicKey)
	require.True(t, ed25519.Verify(key, []byte(signed), r.Signature[:]))
	require.Equal(t, golden, hex.EncodeToString(r.Signature[:]))
}

func TestAReceiptComesBackFromTheWire(t *testing.T) {
	r, _, err := witness.New(signer(t, "a"), ring(t), 10).Sign(batch(1), digest("x"))
	require.NoError(t, err)
	got, err := witness.Read(r.Proto())
	require.NoError(t, err)
	require.Equal(t, r, got)
}

func TestEveryFaultOfAReceiptIsNamed(t *testing.T) {
	_, err := witness.Read(&ingestionv1.Receipt{Stream: strings.Repeat("x", 129), Signal: 9, Digest: make([]byte, 33)})
	require.EqualError(t, err, strings.Join([]string{
		"collector: 0 bytes, want 1 to 128", "stream: 129 bytes, want 1 to 128", "signal: 9, want one that is specified",
		"digest: 33 bytes, want 32", "signature: 0 bytes, want 64",
	}, "\n"))
}

func TestAnythingThatIsChangedBreaksTheSignature(t *testing.T) {
	r, _, err := witness.New(signer(t, "a"), ring(t), 10).Sign(batch(1), digest("x"))
	require.NoError(t, err)
	for name, change := range map[string]func(*witness.Receipt){
		"collector": func(r *witness.Receipt) { r.Collector = "b" },
		"stream":    func(r *witness.Receipt) { r.Stream += "2" },
		"sequence":  func(r *witness.Receipt) { r.Sequence++ },
		"signal":    func(r *witness.Receipt) { r.Signal++ },
		"digest":    func(r *witness.Receipt) { r.Digest[31]++ },
		"signature": func(r *witness.Receipt) { r.Signature[0]++ },
	} {
		t.Run(name, func(t *testing.T) {
			changed := r
			change(&changed)
			w := witness.New(nil, ring(t, "a", "b"), 10)
			_, err := w.Seen(changed)
			require.ErrorIs(t, err, witness.ErrSignature)
			require.Zero(t, w.Batches(), "it proves nothing, and is not remembered")
		})
	}
}

func TestACollectorThatIsNotKnownIsNotBelieved(t *testing.T) {
	r, _, err := witness.New(signer(t, "stranger"), ring(t), 10).Sign(batch(1), digest("x"))
	require.NoError(t, err)
	_, err = witness.New(nil, ring(t, "a"), 10).Seen(r)
	require.ErrorIs(t, err, witness.ErrCollector)
}

func TestEveryFaultOfAKeyringIsNamed(t *testing.T) {
	_, err := witness.NewKeyring(map[string]string{"": "", "a": "!", "b": "AAAA", "c": signer(t, "c").PublicKey()})
	require.EqualError(t, err, strings.Join([]string{
		`collector "": 0 bytes, want 1 to 128`, `key of collector "a": illegal base64 data at input byte 0`,
		`key of collector "b": 3 bytes, want 32`,
	}, "\n"))
}

func TestASignerNeedsANameAndASeed(t *testing.T) {
	_, err := witness.NewSigner("", seed("a"))
	require.EqualError(t, err, "collector: 0 bytes, want 1 to 128")
	_, err = witness.NewSigner("a", seed("a")[1:])
	require.EqualError(t, err, "seed: 31 bytes, want 32")
}

func seed(name string) []byte { return bytes.Repeat([]byte(name[:1]), ed25519.SeedSize) }

// golden is the signature over the bytes above: Ed25519 gives the same one each time.
const golden = "79c6ab7b54e456b7f65e8552d22fd178fb2ba830c51bad6b0c0bff6fd409adb2" +
	"2abd78ce8cf32b5fed9d7d3029c3b4ee7dae9fa20ce5e243322cc2b1af52a80b"
