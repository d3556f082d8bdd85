package assembly

import (
	"bytes"
	"cmp"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
)

// spanName tells a span from all others of its trace. A client and a server span may share an id, so that the kind is part
// of it; and so is the service, for what does not tell kinds or draws ids that are not random.
type spanName struct {
	id      id.Span
	kind    uint8
	service string
}

// same tells that two entries are copies of one span.
func (t *trace) same(e, f *entry) bool {
	return e.id == f.id && e.kind == f.kind && t.service(e) == t.service(f)
}

func (t *trace) service(e *entry) string { return t.parts[e.part].batch.services[e.resource] }

// betters tells that e says more than its copy f: it ended, or ended later, or started earlier. Where all that is equal
// the bytes decide, so that it is the same copy that stays in whatever order they come.
func (t *trace) betters(e, f *entry) bool {
	// A start of 0 is none, and wraps around to the latest of all.
	said := cmp.Or(cmp.Compare(e.end, f.end), cmp.Compare(f.start-1, e.start-1))
	return cmp.Or(said, bytes.Compare(t.raw(e), t.raw(f))) > 0
}

func (t *trace) raw(e *entry) []byte { return t.parts[e.part].batch.view.BytesOf(e.raw) }

// name of span i.
func (p *picture) name(i int32) spanName {
	return spanName{p.entries[i].id, p.entries[i].kind, p.service(i)}
}

// names gives the names of all spans.
func (p *picture) names() map[spanName]struct{} {
	all := make(map[spanName]struct{}, len(p.entries))
	for i := range p.entries {
		all[p.name(int32(i))] = struct{}{}
	}
	return all
}

// distinct gives spans without the copies of earlier ones: a trace that is read while it moves on may be seen in two places.
func distinct(spans []Spans) ([]Spans, *picture, error) {
	p, err := openPicture(spans)
	if err != nil || len(p.names()) == len(p.entries) {
		return spans, p, err
	}
	seen := make(map[spanName]struct{}, len(p.entries))
	var first []entry
	for i, e := range p.entries {
		name := p.name(int32(i))
		if _, ok := seen[name]; !ok {
			seen[name] = struct{}{}
			first = append(first, e)
		}
	}
	once := []Spans{write(new(otlp.Writer), p.sources, first)}
	p, err = openPicture(once)
	return once, p, err
}
