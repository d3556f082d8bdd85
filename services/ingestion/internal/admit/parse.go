package admit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

// ParseLimits reads limits from YAML or JSON, or gives every fault at once, each with its path:
//
//	default: {items_per_second: 1e5}
//	tenants:
//	  acme: {requests_per_second: 10, items_per_second: 5e4, bytes_per_second: 2e7, weight: 2}
//
// What a tenant does not say is as in default; what that does not say is no limit, and weight 1. An empty file limits
// nothing.
func ParseLimits(b []byte) (Limits, error) {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return Limits{}, nil
	case err != nil:
		return Limits{}, fmt.Errorf("limits: %w", err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return Limits{}, errors.New("limits: more than one document, want one")
	}
	var p parser
	limits := p.limits(doc.Content[0])
	if len(p.faults) > 0 {
		return Limits{}, errors.Join(p.faults...)
	}
	return limits, nil
}

// parser gathers faults.
type parser struct {
	faults []error
}

func (p *parser) note(err error) {
	if err != nil {
		p.faults = append(p.faults, err)
	}
}

func (p *parser) fault(format string, args ...any) { p.note(fmt.Errorf(format, args...)) }

func (p *parser) limits(n *yaml.Node) (l Limits) {
	parts := p.mapping("limits", n)
	for _, e := range parts { // first, since the others build on it
		if e.key == "default" {
			l.Default = p.limit("default", e.value, Limit{})
		}
	}
	for _, e := range parts {
		switch e.key {
		case "default":
		case "tenants":
			l.Tenants = map[string]Limit{}
			for _, t := range p.mapping("tenants", e.value) {
				p.note(checkName(t.key))
				l.Tenants[t.key] = p.limit("tenants."+t.key, t.value, l.Default)
			}
		default:
			p.fault("%s: no such field, want default or tenants", e.key)
		}
	}
	return l
}

func (p *parser) limit(path string, n *yaml.Node, base Limit) Limit {
	for _, e := range p.mapping(path, n) {
		i := slices.IndexFunc(fields[:], func(f field) bool { return f.name == e.key })
		if i < 0 {
			p.fault("%s.%s: no such field, want requests_per_second, items_per_second, bytes_per_second or weight", path, e.key)
			continue
		}
		var v float64
		if e.value.Kind != yaml.ScalarNode || e.value.ShortTag() != "!!int" && e.value.ShortTag() != "!!float" || e.value.Decode(&v) != nil {
			p.fault("%s.%s: %s, want a number", path, e.key, shown(e.value))
			continue
		}
		p.note(fields[i].check(path, v))
		*fields[i].of(&base) = v
	}
	return base
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	value *yaml.Node
}

// mapping gives the entries of n, each key once; nothing for null.
func (p *parser) mapping(path string, n *yaml.Node) (entries []entry) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.fault("%s: %s, want a mapping", path, shown(n))
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			p.fault("%s: %s as a key, want a name", path, shown(key))
		case seen[key.Value]:
			p.fault("%s: %s comes twice, want it once", path, key.Value)
		default:
			seen[key.Value] = true
			entries = append(entries, entry{key.Value, value})
		}
	}
	return entries
}

// shown is how a fault shows n.
func shown(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		return fmt.Sprintf("%.40q", n.Value)
	case yaml.AliasNode: // not followed, so that a small file is not a large one
		return "an alias"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a mapping"
}
