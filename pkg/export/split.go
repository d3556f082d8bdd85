package export

import (
	"github.com/triflow/triflow/pkg/balance"
	"github.com/triflow/triflow/pkg/otlp"
)

// whole leaves parts as they are, for anyone.
func whole(open []part, _ []int) []share {
	shares := make([]share, len(open))
	for i, p := range open {
		shares[i] = share{p, anyone}
	}
	return shares
}

// splitter cuts requests with spans up, so that all spans of a trace go to one endpoint. One goroutine uses it.
type splitter struct {
	owners *balance.Consistent
	view   otlp.Traces
}

// bundle is what one endpoint is to get.
type bundle struct {
	writer otlp.Writer
	items  int
}

// split gives each endpoint one share with the spans that it owns. What holds no span, or cannot be read, goes to
// anyone: to refuse it is up to a backend.
func (s *splitter) split(open []part, among []int) []share {
	var shares []share
	bundles := make(map[int]*bundle)
	for _, p := range open {
		if err := s.view.Scan(p.payload); err != nil || len(s.view.Spans) == 0 {
			shares = append(shares, share{p, anyone})
			continue
		}
		s.add(bundles, among)
	}
	s.view.Bytes = nil // the payload is not ours after the batch is done
	for _, i := range among {
		if b := bundles[i]; b != nil {
			shares = append(shares, share{part{b.writer.Bytes(), b.items}, i})
		}
	}
	return shares
}

// add puts the spans in view into the bundles of their owners.
func (s *splitter) add(bundles map[int]*bundle, among []int) {
	v := &s.view
	for i := range v.Spans {
		span := &v.Spans[i]
		owner := s.owners.Pick(among, span.Trace)
		b := bundles[owner]
		if b == nil {
			b = new(bundle)
			bundles[owner] = b
		}
		scope := v.ScopeOf(span)
		b.items++
		b.writer.Add(v.BytesOf(v.Resources[span.Resource]), v.BytesOf(v.ResourceSchemas[span.Resource]),
			v.BytesOf(scope.Raw), v.BytesOf(scope.Schema), v.BytesOf(span.Raw))
	}
}
