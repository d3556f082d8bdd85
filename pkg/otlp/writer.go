package otlp

import "google.golang.org/protobuf/encoding/protowire"

// Writer joins items into a request: spans, log records or data points, of one signal at a time. The zero value is
// ready. It copies what it is given; one goroutine uses it.
//
// Neighbours whose resources, scopes and metrics say the same come under one. Whatever this version of OTLP does not
// know, in an item or around it, goes along.
type Writer struct {
	out  []byte
	open []openGroup // outermost first
	// tail has what the requests themselves say, which this version of OTLP does not know. It comes last.
	tail   []byte
	latest int // where the latest of it begins
}

// openGroup is a message that is not finished.
type openGroup struct {
	num   uint32 // of its field
	kind  MetricKind
	start int // of its content in out: first its frame, then what is in it
	frame int // bytes of the frame
}

// room is how many bytes are kept for the length of an open message. One of another size moves what is behind it.
const room = 2

// under is the frame of a group; num is the field of the message above that it belongs to.
type under struct {
	frame
	num uint32
}

// AddSpan appends a span of v. Of s, Raw and Scope are read.
func (w *Writer) AddSpan(v *Traces, s *Span) { w.addIn(&v.Groups, s.Scope, s.Raw) }

// AddRecord appends a log record of v. Of r, Raw and Scope are read.
func (w *Writer) AddRecord(v *Logs, r *LogRecord) { w.addIn(&v.Groups, r.Scope, r.Raw) }

// addIn appends what is in a scope.
func (w *Writer) addIn(g *Groups, scope int32, raw Range) {
	s := &g.Scopes[scope]
	w.enter(g.Bytes, &g.root, []under{{g.Resources[s.Parent].frame, 1}, {s.frame, 2}})
	w.out = appendBytes(w.out, 2, g.BytesOf(raw))
}

// AddPoint appends a data point of v. Of p, Raw and Metric are read.
func (w *Writer) AddPoint(v *Metrics, p *Point) {
	m := &v.Metrics[p.Metric]
	s := &v.Scopes[m.Scope]
	w.enter(v.Bytes, &v.root, []under{{v.Resources[s.Parent].frame, 1}, {s.frame, 2}, {m.frame, 2}, {m.data, uint32(m.Kind)}})
	w.out = appendBytes(w.out, 1, v.BytesOf(p.Raw))
}

// Bytes gives the request with all that was added, and resets the writer, which may not be used while the bytes are.
func (w *Writer) Bytes() []byte {
	w.leave(0)
	out := append(w.out, w.tail...)
	w.out, w.tail, w.latest = out[:0], w.tail[:0], 0
	return out
}

// enter opens the groups of a path, outermost first, as far as they are not open. All of it lies in b.
func (w *Writer) enter(b []byte, root *frame, path []under) {
	w.say(b, root)
	shared := w.shared(b, path)
	w.leave(shared)
	for i := range path[shared:] {
		g := &path[shared+i]
		w.out = append(protowire.AppendTag(w.out, protowire.Number(g.num), protowire.BytesType), "01"[:room]...)
		start := len(w.out)
		w.out = g.appendTo(w.out, b)
		w.open = append(w.open, openGroup{num: g.num, kind: g.kind, start: start, frame: len(w.out) - start})
	}
}

// say adds what a request says beside its groups.
func (w *Writer) say(b []byte, root *frame) {
	if w.news(b, root) > 0 {
		w.latest = len(w.tail)
		w.tail = root.appendTo(w.tail, b)
	}
}

// news is the size of what a request says beside its groups, 0 if the one before it said the same.
func (w *Writer) news(b []byte, root *frame) int {
	if root.is(b, w.tail[w.latest:]) {
		return 0
	}
	return root.size(b)
}

// shared counts the groups of a path that are open.
func (w *Writer) shared(b []byte, path []under) int {
	n := 0
	for ; n < min(len(path), len(w.open)); n++ {
		if o := &w.open[n]; o.num != path[n].num || o.kind != path[n].kind || !path[n].is(b, w.out[o.start:o.start+o.frame]) {
			break
		}
	}
	if 0 < n && n < len(path) && path[n-1].kind != MetricNone {
		n-- // a metric has its data once
	}
	return n
}

// leave finishes the groups that are open, but for the n outermost.
func (w *Writer) leave(n int) {
	for ; len(w.open) > n; w.open = w.open[:len(w.open)-1] {
		w.out = fixLength(w.out, w.open[len(w.open)-1].start, room)
	}
}

// sizeWith is the size of the request if n bytes more are added under a path.
func (w *Writer) sizeWith(b []byte, root *frame, path []under, n int) int {
	shared, more := w.shared(b, path), n
	for i := len(path) - 1; i >= shared; i-- {
		more = sizeField(path[i].num, path[i].size(b)+more)
	}
	grown := 0 // by what is finished, as lengths do not take the room that was kept for them
	for i := len(w.open) - 1; i >= 0; i-- {
		if i == shared-1 {
			grown += more
		}
		grown += protowire.SizeVarint(uint64(len(w.out)-w.open[i].start+grown)) - room
	}
	if shared == 0 {
		grown += more
	}
	return len(w.out) + grown + len(w.tail) + w.news(b, root)
}

// sizeField is the size of a field of n bytes.
func sizeField(num uint32, n int) int {
	return protowire.SizeTag(protowire.Number(num)) + protowire.SizeBytes(n)
}

// fixLength writes the length of b[start:] before it, where there is room for so many bytes of it, and moves b[start:]
// if they are too few or too many.
func fixLength(b []byte, start, room int) []byte {
	n := len(b) - start
	if more := protowire.SizeVarint(uint64(n)) - room; more != 0 {
		b = append(b, "0123456789"[:max(more, 0)]...)
		copy(b[start+more:], b[start:start+n])
		b = b[:start+more+n]
	}
	protowire.AppendVarint(b[:start-room], uint64(n))
	return b
}

func appendHead(dst []byte, num protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.BytesType), uint64(n))
}

func appendBytes(dst []byte, num protowire.Number, b []byte) []byte {
	return append(appendHead(dst, num, len(b)), b...)
}
