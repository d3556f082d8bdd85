package ingestion

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

func TestAKeyIsMadeOnceAndNobodyElseMayReadIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "witness.key")
	var wg sync.WaitGroup
	made := make([]string, 4)
	for i := range made {
		wg.Go(func() {
			var err error
			made[i], err = WitnessKey(path)
			require.NoError(t, err)
		})
	}
	wg.Wait()
	for _, public := range made {
		require.Equal(t, made[0], public)
		require.Len(t, public, 44)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing half made stays")
}

func TestAKeyFileThatIsNoneIsRefused(t *testing.T) {
	const block = "-----BEGIN %s-----\n%s\n-----END %[1]s-----\n"
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"open to all":    {fmt.Sprintf(block, keyType, strings.Repeat("A", 43)+"="), 0o644, "mode 0644, want one that nobody else may read"},
		"another's key":  {fmt.Sprintf(block, "PRIVATE KEY", strings.Repeat("A", 43)+"="), 0o600, "no TRIFLOW RECEIPT KEY in it"},
		"empty":          {"", 0o600, "no TRIFLOW RECEIPT KEY in it"},
		"short":          {fmt.Sprintf(block, keyType, "AAAA"), 0o600, "3 bytes, want 32"},
		"read by groups": {fmt.Sprintf(block, keyType, strings.Repeat("A", 43)+"="), 0o440, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			require.NoError(t, os.WriteFile(path, []byte(test.text), 0o600))
			require.NoError(t, os.Chmod(path, test.mode))
			_, err := WitnessKey(path)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err := WitnessKey(filepath.Join(t.TempDir(), "nowhere", "key"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestEveryFaultOfAFileOfPeersIsNamed(t *testing.T) {
	own, err := witness.NewSigner("a", []byte(strings.Repeat("a", 32)))
	require.NoError(t, err)
	other, err := witness.NewSigner("b", []byte(strings.Repeat("b", 32)))
	require.NoError(t, err)
	b := fmt.Sprintf("{name: b, address: 'b:7401', public_key: '%s'}", other.PublicKey())
	for text, wants := range map[string][]string{
		"":                        {"collectors: none but a, want at least one other"},
		"peers: []":               {"peers"},
		"collectors: [" + b + "]": nil,
		"collectors: [{name: b, address: b}]": {
			`collectors[0].public_key: key of collector "b": 0 bytes, want 32`, `collectors[0].address: "b", want host:port`,
		},
		"collectors: [" + b + ", {name: c, address: 'c:1', public_key: '" + other.PublicKey() + "'}]": {`collectors[1].public_key: that of "b" too`},
		"collectors: [" + b + "," + b + "]":                                              {`collectors[1].name: "b", want one that no other has`},
		"collectors: [{name: a, public_key: '" + own.PublicKey() + "'}, " + b + "]":      nil,
		"collectors: [{name: a, public_key: '" + other.PublicKey() + "'}]":               {"collectors[0].public_key: " + other.PublicKey() + ", but the key of this collector is " + own.PublicKey()},
		"collectors: [{name: c, address: 'c:1', public_key: '" + own.PublicKey() + "'}]": {"that of this collector, want one that no other has"},
		"collectors: [" + strings.Repeat(b+",", 65) + "]":                                {"collectors: 65, want at most 64"},
	} {
		known, err := parsePeers([]byte(text), own)
		if len(wants) == 0 {
			require.NoError(t, err, text)
			require.Len(t, known.others, 1, text)
		}
		for _, want := range wants {
			require.ErrorContains(t, err, want, text)
		}
	}
}

func TestAServiceWhosePeersCannotBeReadDoesNotStart(t *testing.T) {
	cfg := small()
	cfg.WitnessPeers = filepath.Join(t.TempDir(), "peers.yaml")
	deps := Deps{Dir: t.TempDir(), Dial: dial}
	_, err := openNotary(&Service{cfg: cfg, deps: deps})
	require.ErrorContains(t, err, "read ingestion.witness_peers")
	cfg.WitnessKey = t.TempDir()
	_, err = openNotary(&Service{cfg: cfg, deps: deps})
	require.ErrorContains(t, err, "ingestion.witness_key")
	cfg.WitnessBatches = 1
	require.ErrorContains(t, cfg.Validate(), "ingestion.witness_batches: 1, want 1000 to 1000000")
}
