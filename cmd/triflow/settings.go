package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	gatewayv1 "github.com/triflow/triflow/proto/gen/triflow/gateway/v1"
)

// settingsCmd prints the settings of all roles: from flags, environment, file and defaults.
type settingsCmd struct {
	settings
	neighbours
	everything
}

// Validate names every setting that is out of its range.
func (c settingsCmd) Validate() error {
	return errors.Join(c.neighbours.Validate(), c.everything.Validate())
}

// Run prints them by name, those that differ from their default marked by a star.
func (settingsCmd) Run(k *kong.Context, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range inForce(k) {
		mark := " "
		if s.GetValue() != s.GetDefault() {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %s\t%s\n", mark, s.GetName(), s.GetValue())
	}
	return w.Flush()
}

// inForce lists the settings of the command that is being run, by name. A secret shows as its own String has it.
func inForce(k *kong.Context) []*gatewayv1.Setting {
	var list []*gatewayv1.Setting
	for _, flag := range k.Selected().Flags {
		if flag.Name == "help" || flag.Hidden {
			continue
		}
		list = append(list, &gatewayv1.Setting{
			Name: flag.Name, Value: text(k.FlagValue(flag)), Default: flag.Default, Help: flag.Help,
		})
	}
	slices.SortFunc(list, func(a, b *gatewayv1.Setting) int { return strings.Compare(a.GetName(), b.GetName()) })
	return list
}

// text gives a value as it would be typed.
func text(v any) string {
	switch v := v.(type) {
	case map[string]string:
		var pairs []string
		for key, value := range v {
			pairs = append(pairs, key+"="+value)
		}
		slices.Sort(pairs)
		return strings.Join(pairs, ";")
	case []string:
		return strings.Join(v, ",")
	default:
		return fmt.Sprint(v)
	}
}
