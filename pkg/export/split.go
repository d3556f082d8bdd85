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

// split gives each endpoint shares with the spans that it owns. What holds no span, or cannot be read, goes to anyone:
// to refuse it is up to a backend. What is apart stays apart, for it was cut.
func (s *splitter) split(open []part, among []int) []share {
	var shares []share
	for _, p := range open {
		owned := make(map[int]*part)
		for _, one := range p.pieces {
			s.cut(owned, one, among)
		}
		for _, i := range append([]int{anyone}, among...) {
			if o := owned[i]; o != nil {
				o.tenant = p.tenant
				shares = append(shares, share{*o, i})
			}
		}
	}
	s.view.Bytes = nil // the payload is not ours after the batch is done
	return shares
}

// cut adds what each endpoint owns of one to its part.
func (s *splitter) cut(owned map[int]*part, one piece, among []int) {
	if err := s.view.Scan(one.payload, otlp.LevelFraming); err != nil || len(s.view.Spans) == 0 {
		give(owned, anyone, one)
		return
	}
	bundles := make(map[int]*bundle)
	for i := range s.view.Spans {
		span := &s.view.Spans[i]
		owner := s.owners.Pick(among, span.Trace)
		b := bundles[owner]
		if b == nil {
			b = new(bundle)
			bundles[owner] = b
		}
		b.items++
		b.writer.AddSpan(&s.view, span)
	}
	for owner, b := range bundles {
		give(owned, owner, piece{b.writer.Bytes(), b.items})
	}
}

func give(owned map[int]*part, owner int, one piece) {
	p := owned[owner]
	if p == nil {
		p = new(part)
		owned[owner] = p
	}
	p.pieces = append(p.pieces, one)
	p.items += one.items
}

// bundle is what one endpoint is to get of a batch.
type bundle struct {
	writer otlp.Writer
	items  int
}
