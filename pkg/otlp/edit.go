package otlp

// edit is a place where Kept differs from the bytes that were scanned: a field that is refused, with the neighbours
// that have the same fault, or one with something to mend. A refused field is an item, or a container with everything in
// it, since what says whose the items are is faulty. Edits are in order and do not overlap.
type edit struct {
	start, end uint32 // of the field, its tag included
	at         uint32 // where the first fault is
	items      uint32 // that are refused
	source     int32  // an index into sources, or -1
	fault      Fault  // 0 if it is mended
	mark       *Mark  // that says the fault, or nil
}

// edit notes e, unless there are too many.
func (r *Request) edit(e edit) reason {
	e.source = int32(len(r.sources)) - 1
	if n := len(r.edits); n > 0 && e.fault != 0 {
		if last := &r.edits[n-1]; last.fault == e.fault && last.source == e.source && last.end == e.start {
			last.end = e.end
			last.items += e.items
			return framed
		}
	}
	if len(r.edits) == MaxFaults {
		return tooManyFaults
	}
	r.edits = append(r.edits, e)
	return framed
}

// Kept gives the request without what is refused and with the rest mended: r.Bytes itself if nothing is to be done.
// What is mended has at most about twice the size. It is valid as long as r is.
func (r *Request) Kept() []byte {
	if len(r.edits) == 0 {
		return r.Bytes
	}
	return r.done().out
}

// done does the edits, once.
func (r *Request) done() *mender {
	if r.mender == nil {
		r.mender = &mender{b: r.Bytes, out: make([]byte, 0, len(r.Bytes))}
		r.mender.container(r.Signal.root(), Range{Len: uint32(len(r.Bytes))}, r.edits)
	}
	return r.mender
}

// container copies the container at rng with the edits done, and gives those that are left.
func (m *mender) container(id messageID, rng Range, edits []edit) []edit {
	c := over(m.b, rng)
	for c.next() {
		for len(edits) > 0 && int(edits[0].end) <= c.start {
			edits = edits[1:]
		}
		switch {
		case len(edits) == 0 || int(edits[0].start) >= c.pos:
			m.out = append(m.out, m.b[c.start:c.pos]...)
		case int(edits[0].start) > c.start:
			start := m.open(&c)
			edits = m.container(schema[id].field(c.num).of, c.at(), edits)
			m.close(start, &c)
		case edits[0].fault == 0:
			m.field(schema[id].field(c.num), &c)
		}
	}
	return edits
}
