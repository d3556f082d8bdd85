package ingestion

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

// keyType is the type of the PEM block of a key. No other program takes it for its own, nor do we take another's.
const keyType = "TRIFLOW RECEIPT KEY"

// mostCollectors bounds the file of peers, and with it the memory for what they say.
const mostCollectors = 64

// collector is one of those that compare receipts.
type collector struct {
	Name      string `yaml:"name"`
	Address   string `yaml:"address"`
	PublicKey string `yaml:"public_key"`
}

// collectors are those that a file of peers names.
type collectors struct {
	ring   witness.Keyring // this one included
	others []collector
}

// readPeers reads the file of peers, which may name this collector too, so that all can have the same file.
func readPeers(path string, own *witness.Signer) (collectors, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return collectors{}, fmt.Errorf("read ingestion.witness_peers: %w", err)
	}
	known, err := parsePeers(text, own)
	if err != nil {
		return collectors{}, fmt.Errorf("ingestion.witness_peers: %s: %w", path, err)
	}
	return known, nil
}

func parsePeers(text []byte, own *witness.Signer) (collectors, error) {
	var file struct {
		Collectors []collector `yaml:"collectors"`
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return collectors{}, err
	}
	if n := len(file.Collectors); n > mostCollectors {
		return collectors{}, fmt.Errorf("collectors: %d, want at most %d", n, mostCollectors)
	}
	var faults []error
	var known collectors
	keys, owners := map[string]string{own.Collector(): own.PublicKey()}, map[string]string{}
	for i, c := range file.Collectors {
		for _, err := range c.faults(own, owners) {
			faults = append(faults, fmt.Errorf("collectors[%d].%w", i, err))
		}
		owners[c.PublicKey] = c.Name
		if c.Name == own.Collector() {
			continue
		}
		if keys[c.Name] != "" {
			faults = append(faults, fmt.Errorf("collectors[%d].name: %q, want one that no other has", i, c.Name))
		}
		keys[c.Name] = c.PublicKey
		known.others = append(known.others, c)
	}
	if len(known.others) == 0 {
		faults = append(faults, fmt.Errorf("collectors: none but %s, want at least one other", own.Collector()))
	}
	if err := errors.Join(faults...); err != nil {
		return collectors{}, err
	}
	var err error
	known.ring, err = witness.NewKeyring(keys)
	return known, err
}

// faults are those of one entry, each beginning with its field; owners has the names of the keys before it.
func (c collector) faults(own *witness.Signer, owners map[string]string) []error {
	var faults []error
	if _, err := witness.NewKeyring(map[string]string{c.Name: c.PublicKey}); err != nil {
		faults = append(faults, fmt.Errorf("public_key: %w", err))
	}
	if owner, taken := owners[c.PublicKey]; taken {
		faults = append(faults, fmt.Errorf("public_key: that of %q too, want one that no other has", owner))
	}
	if c.Name == own.Collector() {
		if c.PublicKey != own.PublicKey() {
			faults = append(faults, fmt.Errorf("public_key: %s, but the key of this collector is %s", c.PublicKey, own.PublicKey()))
		}
		return faults
	}
	if c.PublicKey == own.PublicKey() {
		faults = append(faults, errors.New("public_key: that of this collector, want one that no other has"))
	}
	if _, port, err := net.SplitHostPort(c.Address); err != nil || port == "" {
		faults = append(faults, fmt.Errorf("address: %q, want host:port of its RPC", c.Address))
	}
	return faults
}

// openSigner reads the key that is configured, or the one in the folder of the service.
func openSigner(cfg Config, deps Deps) (*witness.Signer, error) {
	path := cfg.WitnessKey
	if path == "" {
		path = filepath.Join(deps.Dir, "witness.key")
	}
	seed, err := openKey(path)
	if err != nil {
		return nil, fmt.Errorf("ingestion.witness_key: %w", err)
	}
	return witness.NewSigner(cfg.Name, seed)
}

// WitnessKey gives the public key by which other collectors know the one with the key in the file; it makes the key if
// there is no file.
func WitnessKey(path string) (public string, err error) {
	seed, err := openKey(path)
	if err != nil {
		return "", err
	}
	signer, err := witness.NewSigner("any", seed)
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, err)
	}
	return signer.PublicKey(), nil
}

// openKey gives the seed in a key file, a new one if there is no file.
func openKey(path string) ([]byte, error) {
	seed, err := readKey(path)
	if !errors.Is(err, os.ErrNotExist) {
		return seed, err
	}
	if err := makeKey(path); err != nil && !errors.Is(err, os.ErrExist) { // another process may be quicker
		return nil, fmt.Errorf("make key file: %w", err)
	}
	return readKey(path)
}

// readKey refuses a file that others can read or change; a group may read it, as Kubernetes mounts secrets.
func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o037 != 0 {
		return nil, fmt.Errorf("key file %s: mode %04o, want one that nobody else may read, such as 0600", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	block, _ := pem.Decode(text)
	switch {
	case block == nil || block.Type != keyType:
		return nil, fmt.Errorf("key file %s: no %s in it, want one made by `triflow witness-key`", path, keyType)
	case len(block.Bytes) != ed25519.SeedSize:
		return nil, fmt.Errorf("key file %s: %d bytes, want %d", path, len(block.Bytes), ed25519.SeedSize)
	}
	return block.Bytes, nil
}

// makeKey writes a new key, whole or not at all, and never over another; the error is os.ErrExist then. It is drawn from
// the system, unlike all other chance, since nobody may guess it.
func makeKey(path string) (err error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".witness-key-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	err = pem.Encode(f, &pem.Block{Type: keyType, Bytes: key.Seed()})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
