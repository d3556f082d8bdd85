package witness

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Errors of a receipt that proves nothing.
var (
	ErrCollector = errors.New("collector is not known")
	ErrSignature = errors.New("signature is not that of the collector")
)

// RefusedError says which of several receipts proves nothing, and why.
type RefusedError struct {
	Index   int
	Receipt Receipt
	err     error
}

// Error names the receipt.
func (e *RefusedError) Error() string { return fmt.Sprintf("receipts[%d]: %v", e.Index, e.err) }

// Unwrap gives ErrCollector or ErrSignature.
func (e *RefusedError) Unwrap() error { return e.err }

// Signer signs the receipts of one collector.
type Signer struct {
	collector string
	key       ed25519.PrivateKey
}

// NewSigner makes the signer of a collector from the seed of its key, 32 bytes that nobody else has.
func NewSigner(collector string, seed []byte) (*Signer, error) {
	if n := len(collector); n == 0 || n > MaxName {
		return nil, fmt.Errorf("collector: %d bytes, want 1 to %d", n, MaxName)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("seed: %d bytes, want %d", len(seed), ed25519.SeedSize)
	}
	return &Signer{collector: collector, key: ed25519.NewKeyFromSeed(seed)}, nil
}

// Collector is the name in the receipts.
func (s *Signer) Collector() string { return s.collector }

// PublicKey is the text that the other collectors must know, base64.
func (s *Signer) PublicKey() string {
	return base64.StdEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey))
}

// sign gives a receipt. Only Witness.Sign calls it, because a batch must not get two.
func (s *Signer) sign(b Batch, d Digest, at int64) Receipt {
	r := Receipt{Collector: s.collector, Batch: b, Digest: d, Time: at}
	copy(r.Signature[:], ed25519.Sign(s.key, r.message()))
	return r
}

// Keyring knows the public keys of collectors. It does not change.
type Keyring struct{ keys map[string]ed25519.PublicKey }

// NewKeyring reads public keys, base64 as PublicKey gives them, by the name of the collector. The error tells every
// fault.
func NewKeyring(keys map[string]string) (Keyring, error) {
	k := Keyring{keys: make(map[string]ed25519.PublicKey, len(keys))}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		key, err := base64.StdEncoding.DecodeString(keys[name])
		switch {
		case len(name) == 0 || len(name) > MaxName:
			faults = append(faults, fmt.Errorf("collector %q: %d bytes, want 1 to %d", name, len(name), MaxName))
		case err != nil:
			faults = append(faults, fmt.Errorf("key of collector %q: %w", name, err))
		case len(key) != ed25519.PublicKeySize:
			faults = append(faults, fmt.Errorf("key of collector %q: %d bytes, want %d", name, len(key), ed25519.PublicKeySize))
		default:
			k.keys[name] = key
		}
	}
	return k, errors.Join(faults...)
}

// Verify checks a signature. The errors are ErrCollector and ErrSignature.
func (k Keyring) Verify(r Receipt) error {
	key, known := k.keys[r.Collector]
	if !known {
		return fmt.Errorf("receipt of %q: %w", r.Collector, ErrCollector)
	}
	if !ed25519.Verify(key, r.message(), r.Signature[:]) {
		return fmt.Errorf("receipt of %q for batch %d of %q: %w", r.Collector, r.Sequence, r.Stream, ErrSignature)
	}
	return nil
}
