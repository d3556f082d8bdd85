package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// binary is Triflow as it is in the tree, asked for its help only.
type binary struct {
	t     *testing.T
	path  string
	texts map[string]string // help by command, empty for one that it does not have
}

func compile(t *testing.T) *binary {
	t.Helper()
	path := filepath.Join(t.TempDir(), "triflow")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/triflow")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return &binary{t, path, map[string]string{}}
}

// help gives the help of a command, empty if there is no such command.
func (b *binary) help(command string) string {
	if text, known := b.texts[command]; known {
		return text
	}
	out, err := exec.CommandContext(b.t.Context(), b.path, command, "--help").CombinedOutput()
	if err == nil {
		b.texts[command] = string(out)
	} else {
		b.texts[command] = ""
	}
	return b.texts[command]
}

// takes says what is wrong with the words of a command line, empty if each flag is in the command's help.
func (b *binary) takes(words []string) string {
	if len(words) == 0 || b.help(words[0]) == "" {
		return "no such command"
	}
	for _, word := range words[1:] {
		flag, _, _ := strings.Cut(word, "=")
		if strings.HasPrefix(flag, "--") && !strings.Contains(b.help(words[0]), flag+"=") && !strings.Contains(b.help(words[0]), flag+" ") {
			return "no flag " + flag
		}
	}
	return ""
}
