package pipeline

import (
	"bytes"
	"strconv"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// textPerStep is how many bytes of text that are searched or written make a step. An attribute that is masked makes one
// beside.
const textPerStep = 64

// walker masks one message.
type walker struct {
	*mask
	path     []byte // of the map that it is in, with dots; empty among the attributes
	depth    int
	pairs    int64
	searched int64 // bytes
	bad      bool  // something could not be read to its end
}

func (w *walker) steps() int64 { return w.pairs + w.searched/textPerStep }

// fate is what becomes of a field.
type fate uint8

const (
	same fate = iota
	replaced
	removed
)

// settle does to a field of s what was decided on it.
func settle(s *record.Splice, f *record.Field, value []byte, what fate) {
	switch what {
	case replaced:
		s.Replace(f, value)
	case removed:
		s.Remove(f)
	}
}

// hit is the fate of a value that is to be masked.
func (w *walker) hit(raw []byte) ([]byte, fate) {
	if w.remove {
		return nil, removed
	}
	if h := hiddenValue(); !bytes.Equal(raw, h) {
		return h, replaced
	}
	return raw, same
}

// message masks what people wrote in a message of a shape.
func (w *walker) message(shape *record.Shape, message []byte) ([]byte, bool) {
	s := record.Splice{Message: message}
	c := record.Over(message)
	for c.Next() {
		var v []byte
		var what fate
		switch part := shape.Part(c.Num); {
		case c.Is(shape.Attributes):
			v, what = w.pair(c.Value)
		case c.Is(shape.Body):
			v, what = w.value(c.Value, w.text)
		case c.Is(shape.Name) || c.Is(shape.Text):
			v, what = w.text(c.Value)
		case part != nil && c.Is(c.Num):
			var changed bool
			if v, changed = w.message(part, c.Value); changed {
				what = replaced
			}
		}
		settle(&s, &c.Field, v, what)
	}
	w.bad = w.bad || c.Err() != nil
	return s.Result()
}

// pair masks a KeyValue: its value if its key is covered, by itself or behind the path to it, else what is in its value.
func (w *walker) pair(kv []byte) ([]byte, fate) {
	w.pairs++
	key, _ := record.Pair(kv)
	above := len(w.path)
	if above > 0 {
		w.path = append(w.path, '.')
	}
	w.path = append(w.path, key...)
	defer func() { w.path = w.path[:above] }()
	covered := w.covers(w.path) || above > 0 && w.covers(key)
	if covered && w.remove {
		return nil, removed
	}
	s := record.Splice{Message: kv}
	c := record.Over(kv)
	for c.Next() {
		if !c.Is(record.PairValue) {
			continue
		}
		var v []byte
		var what fate
		if covered {
			v, what = w.hit(c.Value)
		} else {
			v, what = w.value(c.Value, w.search)
		}
		if what == removed {
			return nil, removed
		}
		settle(&s, &c.Field, v, what)
	}
	w.bad = w.bad || c.Err() != nil
	v, changed := s.Result()
	if changed {
		return v, replaced
	}
	return kv, same
}

// value masks an AnyValue; text is what is done to one that is text.
func (w *walker) value(raw []byte, text func([]byte) ([]byte, fate)) ([]byte, fate) {
	if w.depth > otlp.MaxDepth {
		return w.hit(raw)
	}
	w.depth++
	defer func() { w.depth-- }()
	s := record.Splice{Message: raw}
	c := record.Over(raw)
	for c.Next() {
		var v []byte
		var what fate
		switch {
		case c.Is(record.ValueString):
			if v, what = text(c.Value); what == removed {
				return w.hit(raw)
			}
		case c.Is(record.ValueBytes) && w.matches(c.Value):
			return w.hit(raw)
		case c.Num == record.ValueInt && len(w.patterns) > 0:
			if w.matches(strconv.AppendInt(nil, int64(c.Bits), 10)) {
				return w.hit(raw)
			}
		case c.Is(record.ValueArray):
			v, what = w.list(c.Value, func(element []byte) ([]byte, fate) { return w.value(element, w.search) })
		case c.Is(record.ValueMap):
			v, what = w.list(c.Value, w.pair)
		}
		settle(&s, &c.Field, v, what)
	}
	w.bad = w.bad || c.Err() != nil
	v, changed := s.Result()
	if changed {
		return v, replaced
	}
	return raw, same
}

// list masks each element of a list or map.
func (w *walker) list(raw []byte, each func([]byte) ([]byte, fate)) ([]byte, fate) {
	s := record.Splice{Message: raw}
	c := record.Over(raw)
	for c.Next() {
		if c.Is(record.ListElement) {
			v, what := each(c.Value)
			settle(&s, &c.Field, v, what)
		}
	}
	w.bad = w.bad || c.Err() != nil
	v, changed := s.Result()
	if changed {
		return v, replaced
	}
	return raw, same
}

func (w *walker) matches(text []byte) bool {
	if len(w.patterns) == 0 {
		return false
	}
	w.searched += int64(len(text))
	return matchesAny(w.patterns, text)
}

// search gives up the whole of a text that a pattern matches.
func (w *walker) search(text []byte) ([]byte, fate) {
	if w.matches(text) {
		return nil, removed
	}
	return text, same
}

// text hides what patterns match in a text that people read. What is left may match in turn; the whole goes then.
func (w *walker) text(text []byte) ([]byte, fate) {
	if !w.matches(text) {
		return text, same
	}
	text = w.any.ReplaceAllLiteral(text, []byte(hidden))
	if w.matches(text) {
		text = []byte(hidden)
	}
	return text, replaced
}
