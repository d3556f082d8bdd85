package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// docsCmd writes docs/reference from the commands themselves.
type docsCmd struct {
	Dir string `arg:"" type:"existingdir" help:"Folder to write to."`
}

// Run writes a page with every command and its settings.
func (d docsCmd) Run(k *kong.Context) error {
	var b strings.Builder
	b.WriteString("# Commands and settings\n\n<!-- written by `make generate`; do not edit -->\n\n")
	b.WriteString("Every setting is a flag, an environment variable, and a name in the YAML file of `--config`. " +
		"A flag comes before the environment, the environment before the file, the file before the default.\n")
	for _, command := range k.Model.Children {
		if !command.Hidden {
			describe(&b, command)
		}
	}
	path := filepath.Join(d.Dir, "commands.md")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write reference: %w", err)
	}
	return nil
}

func describe(w io.Writer, command *kong.Node) {
	fmt.Fprintf(w, "\n## triflow %s\n\n%s\n", command.Name, command.Help)
	if len(command.Flags) == 0 {
		return
	}
	fmt.Fprint(w, "\n| Setting | Default | Meaning |\n|---|---|---|\n")
	for _, flag := range command.Flags {
		if flag.Hidden || flag.Name == "help" {
			continue
		}
		value := ""
		if flag.Default != "" {
			value = "`" + flag.Default + "`"
		}
		fmt.Fprintf(w, "| `--%s`<br>`%s` | %s | %s |\n", flag.Name, strings.Join(flag.Envs, " "), value, strings.ReplaceAll(flag.Help, "|", "\\|"))
	}
}
