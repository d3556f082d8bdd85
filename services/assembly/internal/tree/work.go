package tree

// Request is the work of one service on one request: the spans from where it took the request over down to where it
// passed work on.
type Request struct {
	// Root is the local root: a span that receives, starts a trace, or has its parent in another service.
	Root int32
	// Self is the time in nanoseconds that the service spent itself: the self time of the request's spans. A call
	// that has no span on the other side is not the service's own work.
	Self uint64
	// OwnError tells that the request failed though nothing that it called did.
	OwnError bool
}

// Workload computes self times and requests in memory that it uses again. The zero value is ready.
type Workload struct {
	// Self time of each span: its duration less what the union of its children covers of it.
	Self []uint64
	// Of gives each span's request as an index into Requests; None where the local root is missing.
	Of []int32
	// Requests by start of their root.
	Requests []Request
}

// Measure fills w from t.
func (w *Workload) Measure(t *Tree) {
	w.Self, w.Of, w.Requests = w.Self[:0], w.Of[:0], w.Requests[:0]
	for i := range t.Spans {
		w.Self, w.Of = append(w.Self, t.selfTime(int32(i))), append(w.Of, unknown)
	}
	for _, i := range t.Order {
		if t.LocalRoot(i) {
			w.Of[i] = int32(len(w.Requests))
			s := &t.Spans[i]
			w.Requests = append(w.Requests, Request{Root: i, OwnError: s.Error})
		}
	}
	for _, i := range t.Order {
		w.assign(t, i)
	}
	for i := range t.Spans {
		w.charge(t, int32(i))
	}
}

// unknown is a span's request before it is looked for.
const unknown = None - 1

// assign gives i the request of its nearest ancestor that has one, and all between them too, so that each link is
// walked once.
func (w *Workload) assign(t *Tree, i int32) {
	at, of := i, None
	for at != None && w.Of[at] == unknown {
		at = t.Parent[at]
	}
	if at != None {
		of = w.Of[at]
	}
	for ; i != at; i = t.Parent[i] {
		w.Of[i] = of
	}
}

// charge adds what i means for its request, and for the one that called it.
func (w *Workload) charge(t *Tree, i int32) {
	of, s := w.Of[i], &t.Spans[i]
	if of != None && (!s.Kind.Sends() || len(t.Children(i)) > 0) {
		w.Requests[of].Self += w.Self[i]
	}
	if !s.Error {
		return
	}
	// A failed call is the failure of the callee: of the request below it, or of what has no spans at all.
	p := t.Parent[i]
	switch {
	case p != None && w.Of[p] != None && w.Of[p] != of:
		w.Requests[w.Of[p]].OwnError = false
	case of != None && s.Kind.Sends() && i != w.Requests[of].Root:
		w.Requests[of].OwnError = false
	}
}

// LocalRoot tells that i is where its service takes a request over. An orphan that does not receive is not: its local
// root is missing.
func (t *Tree) LocalRoot(i int32) bool {
	s, p := &t.Spans[i], t.Parent[i]
	return s.Kind.Receives() || s.Parent.IsZero() && p == None || p != None && t.Spans[p].Service != s.Service
}

// selfTime sweeps the children of i, which are sorted by start.
func (t *Tree) selfTime(i int32) uint64 {
	s := &t.Spans[i]
	self, from := s.End-s.Start, s.Start
	for _, c := range t.Children(i) {
		lo, hi := max(t.Spans[c].Start, from), min(t.Spans[c].End, s.End)
		if lo < hi {
			self -= hi - lo
			from = hi
		}
	}
	return self
}
