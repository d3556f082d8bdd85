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
	r, _, err := witness.New(s, ring(t, "a"), 10).Sign(at(0x0102030405060708), b, digest("x"))
	require.NoError(t, err)

	d := digest("x")
	signed := "triflow receipt v1" +
		"\x00\x00\x00\x01a" +
		"\x00\x00\x00\x04cart" +
		"\x01\x02\x03\x04\x05\x06\x07\x08" +
		"\x00\x00\x00\x00\x00\x00\x00\x03" +
		"\x00\x00\x00\x20" + string(d[:]) +
		"\x01\x02\x03\x04\x05\x06\x07\x08"
	key := ed25519.NewKeyFromSeed(seed("a")).Public().(ed25519.PublicKey)
	require.True(t, ed25519.Verify(key, []byte(signed), r.Signature[:]))
	require.Equal(t, golden, hex.EncodeToString(r.Signature[:]))
}

func TestAReceiptComesBackFromTheWire(t *testing.T) {
	r, _, err := witness.New(signer(t, "a"), ring(t), 10).Sign(at(seconds), batch(1), digest("x"))
	require.NoError(t, err)
	got, err := witness.Read(r.Proto())
	require.NoError(t, err)
	require.Equal(t, r, got)
}

func TestEveryFaultOfAReceiptIsNamed(t *testing.T) {
	_, err := witness.Read(&ingestionv1.Receipt{Stream: strings.Repeat("x", 129), Signal: 9, Digest: make([]byte, 33)})
	require.EqualError(t, err, strings.Join([]string{
		"collector: 0 bytes, want 1 to 128", "stream: 129 bytes, want 1 to 128", "signal: 9, want one that is specified",
		"digest: 33 bytes, want 32", "sign_time: 0 s and 0 ns, want a time from 1970 to 2262", "signature: 0 bytes, want 64",
	}, "\n"))
}

func TestAnythingThatIsChangedBreaksTheSignature(t *testing.T) {
	r, _, err := witness.New(signer(t, "a"), ring(t), 10).Sign(at(seconds), batch(1), digest("x"))
	require.NoError(t, err)
	for name, change := range map[string]func(*witness.Receipt){
		"collector": func(r *witness.Receipt) { r.Collector = "b" },
		"stream":    func(r *witness.Receipt) { r.Stream += "2" },
		"sequence":  func(r *witness.Receipt) { r.Sequence++ },
		"signal":    func(r *witness.Receipt) { r.Signal++ },
		"digest":    func(r *witness.Receipt) { r.Digest[31]++ },
		"time":      func(r *witness.Receipt) { r.Time++ },
		"signature": func(r *witness.Receipt) { r.Signature[0]++ },
	} {
		t.Run(name, func(t *testing.T) {
			changed := r
			change(&changed)
			w := witness.New(nil, ring(t, "a", "b"), 10)
			_, err := w.See(says(t, "b", batch(2), "x"), changed)
			require.ErrorIs(t, err, witness.ErrSignature)
			require.ErrorContains(t, err, "receipts[1]: ")
			batches, _ := w.Counts()
			require.Zero(t, batches, "it proves nothing, and what came with it is not believed either")
		})
	}
}

func TestACollectorThatIsNotKnownIsNotBelieved(t *testing.T) {
	r, _, err := witness.New(signer(t, "stranger"), ring(t), 10).Sign(at(seconds), batch(1), digest("x"))
	require.NoError(t, err)
	_, err = witness.New(nil, ring(t, "a"), 10).See(r)
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
const golden = "2534122fcb840277eb1ccbbb085ea0357b90fc089e85194b0f7f8bce2bad852e" +
	"d07e63987431f7b48ee17f8649591f958cc9dd25342faf6e2d9bb9873f629c07"
