package assembly

import (
	"cmp"
	"slices"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// source is a scanned request that spans lie in. Its view has no spans of its own: entries say where they are.
type source struct {
	view otlp.Traces
	// services by resource.
	services []string
	// received is when it came in, in Unix ns; 0: not known.
	received int64
}

// entry is one span of a trace: what assembly looks at again and again, and where the rest is.
type entry struct {
	id, parent id.Span
	// start and end in Unix ns, as sent.
	start, end uint64
	raw        otlp.Range
	name       otlp.Range
	state      otlp.Range
	resource   int32
	scope      int32
	// part is the index of the source in the trace that the entry belongs to.
	part   int32
	kind   uint8
	status uint8
}

// entrySize is about what an entry takes, for the bounds on memory.
const entrySize = 80

func entryOf(s *otlp.Span, part int32) entry {
	return entry{
		id: s.ID, parent: s.Parent, start: s.Start, end: s.End, raw: s.Raw, name: s.Name, state: s.State,
		resource: s.Resource, scope: s.Scope, part: part, kind: s.Kind, status: s.Status,
	}
}

func (e *entry) failed() bool { return e.status == otlp.StatusError }

// picture is a whole trace laid out to be looked at, in memory that is used again. It is not kept.
type picture struct {
	sources []*source
	entries []entry
	// services of the trace, sorted; spans name them by index.
	services []string
	spans    []tree.Span
	tree     *tree.Tree
	work     tree.Workload

	builder tree.Builder
}

// lay fills the picture with the spans of the sources.
func (p *picture) lay(sources []*source, entries []entry) {
	p.sources, p.entries = sources, entries
	p.services, p.spans = p.services[:0], p.spans[:0]
	for i := range entries {
		name := p.service(int32(i))
		if at, found := slices.BinarySearch(p.services, name); !found {
			p.services = slices.Insert(p.services, at, name)
		}
	}
	for i := range entries {
		e := &entries[i]
		number, _ := slices.BinarySearch(p.services, p.service(int32(i)))
		p.spans = append(p.spans, tree.Span{
			ID: e.id, Parent: e.parent, Start: e.start, End: e.end, Service: int32(number), Kind: tree.Kind(e.kind), Error: e.failed(),
		})
	}
	p.tree = p.builder.Build(p.spans)
}

// view gives the bytes that span i lies in.
func (p *picture) view(i int32) *otlp.Traces { return &p.sources[p.entries[i].part].view }

// service of span i.
func (p *picture) service(i int32) string {
	e := &p.entries[i]
	return p.sources[e.part].services[e.resource]
}

// operation is the name of span i.
func (p *picture) operation(i int32) string { return p.view(i).Text(p.entries[i].name) }

// attr finds an attribute of span i.
func (p *picture) attr(i int32, key string) (otlp.Value, bool) {
	return p.view(i).SpanAttr(&otlp.Span{Raw: p.entries[i].raw}, key)
}

// attrText gives the first of the attributes that span i has as text; empty without any.
func (p *picture) attrText(i int32, keys ...string) string {
	for _, key := range keys {
		if v, ok := p.attr(i, key); ok {
			if text := v.Text(); text != "" {
				return text
			}
		}
	}
	return ""
}

// first gives the span that a list shows for the trace: its first root, else its first span.
func (p *picture) first() (i int32, root bool) {
	if len(p.tree.Roots) > 0 {
		return p.tree.Roots[0], true
	}
	return p.tree.Order[0], false
}

// deepestFailure gives the span with an error that is furthest from its top, the first of several; tree.None without.
func (p *picture) deepestFailure() int32 {
	if !slices.ContainsFunc(p.entries, func(e entry) bool { return e.failed() }) {
		return tree.None
	}
	depth := make([]int32, len(p.entries))
	for stack := slices.Clone(p.tree.Tops); len(stack) > 0; {
		i := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], p.tree.Children(i)...)
		if up := p.tree.Parent[i]; up != tree.None {
			depth[i] = depth[up] + 1
		}
	}
	best := tree.None
	for _, i := range p.tree.Order {
		if p.entries[i].failed() && (best == tree.None || depth[i] > depth[best]) {
			best = i
		}
	}
	return best
}

// openPicture scans stored fragments, or spans like them, into a picture of their own. Its entries are in the order in
// which the spans are in the fragments.
func openPicture(fragments []Spans) (*picture, error) {
	var sources []*source
	var entries []entry
	for _, f := range fragments {
		var s source
		if err := s.view.Scan(f.Request, otlp.LevelFraming); err != nil {
			return nil, err
		}
		for r := range s.view.Resources {
			s.services = append(s.services, s.view.Service(int32(r)))
		}
		spans := s.view.Spans
		s.view.Spans = nil
		for _, a := range slices.Concat(f.Arrivals, []Arrival{{Spans: uint64(len(spans))}}) {
			n := min(a.Spans, uint64(len(spans)))
			if n == 0 {
				continue
			}
			for i := range spans[:n] {
				entries = append(entries, entryOf(&spans[i], int32(len(sources))))
			}
			together := s
			together.received = a.Time
			sources, spans = append(sources, &together), spans[n:]
		}
	}
	p := new(picture)
	p.lay(sources, entries)
	return p, nil
}

// write gives the entries as a request made by w, those of one source, resource and scope together.
func write(w *otlp.Writer, sources []*source, entries []entry) Spans {
	order := make([]int32, len(entries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int {
		a, b := &entries[x], &entries[y]
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.resource, b.resource), cmp.Compare(a.scope, b.scope))
	})
	var arrivals []Arrival
	for _, i := range order {
		e := &entries[i]
		received := sources[e.part].received
		if n := len(arrivals); n == 0 || arrivals[n-1].Time != received {
			arrivals = append(arrivals, Arrival{Time: received})
		}
		arrivals[len(arrivals)-1].Spans++
		w.AddSpan(&sources[e.part].view, &otlp.Span{Raw: e.raw, Scope: e.scope})
	}
	return Spans{Request: w.Bytes(), Arrivals: arrivals}
}

// spansMatch looks into the spans of a trace for what a row cannot tell.
func spansMatch(fragments []Spans, q *Query) (bool, error) {
	p, err := openPicture(fragments)
	if err != nil {
		return false, err
	}
	named, failed := q.Operation == "", false
	missing := slices.Clone(q.Attributes)
	for i := range p.entries {
		at := int32(i)
		missing = slices.DeleteFunc(missing, func(a Attribute) bool { return p.has(at, a) })
		if q.Service != "" && p.service(at) != q.Service {
			continue
		}
		failed = failed || p.entries[i].failed()
		named = named || p.operation(at) == q.Operation
	}
	return named && len(missing) == 0 && statusFits(q.Status, failed), nil
}

// has tells that span i, or its resource, has an attribute with that value.
func (p *picture) has(i int32, a Attribute) bool {
	if v, ok := p.attr(i, a.Key); ok && v.Text() == a.Value {
		return true
	}
	v, ok := p.view(i).ResourceAttr(p.entries[i].resource, a.Key)
	return ok && v.Text() == a.Value
}
