package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// fileSettings are those of a YAML file, by the names of their flags: `assembly: {quiet: 2s}` sets --assembly-quiet.
type fileSettings struct {
	name   string
	values map[string]any
}

// loadYAML is a kong.ConfigurationLoader.
func loadYAML(r io.Reader) (kong.Resolver, error) {
	f := fileSettings{name: "configuration", values: map[string]any{}}
	if named, is := r.(interface{ Name() string }); is {
		f.name = named.Name()
	}
	var tree map[string]any
	if err := yaml.NewDecoder(r).Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	f.flatten("", tree)
	return f, nil
}

// flatten joins the keys of nested maps by dashes. A setting that is a map itself is kept under its own name too.
func (f fileSettings) flatten(prefix string, tree map[string]any) {
	for key, v := range tree {
		name := prefix + strings.ReplaceAll(key, "_", "-")
		f.values[name] = v
		if below, is := v.(map[string]any); is {
			f.flatten(name+"-", below)
		}
	}
}

// Validate implements kong.Resolver: a name that no command has is an error, and not passed over.
func (f fileSettings) Validate(app *kong.Application) error {
	known := map[string]*kong.Flag{}
	for _, command := range app.Children {
		for _, flag := range command.Flags {
			known[flag.Name] = flag
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if known[name] == nil && !f.leads(name, known) {
			return fmt.Errorf("%s: %s: not a setting; `triflow config` lists them", f.name, name)
		}
	}
	return nil
}

// leads says whether name is the first part of a known setting, or a key within one that is a map.
func (f fileSettings) leads(name string, known map[string]*kong.Flag) bool {
	_, isMap := f.values[name].(map[string]any)
	for flag, k := range known {
		if isMap && strings.HasPrefix(flag, name+"-") || k.IsMap() && strings.HasPrefix(name, flag+"-") {
			return true
		}
	}
	return false
}

// Resolve implements kong.Resolver.
func (f fileSettings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	switch v := f.values[flag.Name].(type) {
	case map[string]any:
		if !flag.IsMap() {
			return nil, nil
		}
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, fmt.Sprintf("%s=%v", key, v[key]))
		}
		return strings.Join(pairs, string(flag.Tag.MapSep)), nil
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, fmt.Sprint(item))
		}
		return strings.Join(items, string(flag.Tag.Sep)), nil
	case nil:
		return nil, nil
	default:
		return fmt.Sprint(v), nil
	}
}
