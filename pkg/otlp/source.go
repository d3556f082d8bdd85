package otlp

import (
	"bytes"
	"math/bits"
	"unicode/utf8"
)

// Source is what one resource sent in a request: who it says it is, and what can be told of its items.
type Source struct {
	// Service is the service.name, and the SDK fields are telemetry.sdk.*: parts of Request.Bytes if they are UTF-8,
	// mended copies if not, nil for what is not said or no text.
	Service, SDKLanguage, SDKName, SDKVersion []byte
	// Items counts the items, and Refused those of them that are faulty.
	Items, Refused int
	// Bytes are those of its ResourceSpans, ResourceLogs or ResourceMetrics, with the tag, as they came.
	Bytes int
	// Fault is the first fault of those refused; Request.RefusalsOf tells more.
	Fault Fault
	// Timed counts the items, refused ones not, that say when they happened: a span when it ended, a log record its time
	// or else when it was observed, a data point its time.
	Timed int
	// Earliest and Latest are the bounds of those times, in ns since 1970; 0 with none.
	Earliest, Latest uint64
	// Impossible counts the items that end before they start, or say no time at all, and the spans without a start.
	Impossible int
	// Sequences are the marks that the SDK processor of Triflow left.
	Sequences []Sequence

	start           int    // of its field in Request.Bytes
	sumHigh, sumLow uint64 // of the times
	marks           int    // Sequences, while they may still move
}

// Sequence says which numbers of a stream of spans a batch covers.
type Sequence struct {
	// Stream is the id of the stream: text, a part of Request.Bytes.
	Stream []byte
	// First is the number of the first span, from 1, and Count is how many numbers without a gap there are, at least 1.
	First, Count uint64
}

// Sources gives one Source for each ResourceSpans, ResourceLogs or ResourceMetrics, in order. They are valid until the
// next Scan.
func (r *Request) Sources() []Source { return r.sources }

// Mean is the mean of the times, in ns since 1970, or 0 with none.
func (s *Source) Mean() uint64 {
	if s.Timed == 0 {
		return 0
	}
	mean, _ := bits.Div64(s.sumHigh, s.sumLow, uint64(s.Timed))
	return mean
}

// openSource begins the next source, whose field begins at start.
func (r *Request) openSource(start int) {
	r.sources = append(r.sources, Source{start: start})
	r.source = &r.sources[len(r.sources)-1]
}

// settle tells every source what was found of it, once nothing moves any more.
func (r *Request) settle() {
	for i := range r.edits {
		e := &r.edits[i]
		r.Refused += int(e.items)
		if e.fault == 0 {
			continue
		}
		s := &r.sources[e.source]
		s.Refused += int(e.items)
		if s.Fault == 0 {
			s.Fault = e.fault
		}
	}
	from := 0
	for i := range r.sources {
		s := &r.sources[i]
		s.Sequences = r.sequences[from : from+s.marks : from+s.marks]
		from += s.marks
	}
}

// note counts the times of an item.
func (s *Source) note(id messageID, t times) {
	if t.impossible() || id == span && t.start == 0 {
		s.Impossible++
	}
	if t.end == 0 {
		return
	}
	if s.Timed++; s.Timed == 1 || t.end < s.Earliest {
		s.Earliest = t.end
	}
	s.Latest = max(s.Latest, t.end)
	low, carry := bits.Add64(s.sumLow, t.end, 0)
	s.sumLow, s.sumHigh = low, s.sumHigh+carry
}

// quickResource reads who sent from the Resource at rng, and tells whether it has neither faults nor anything to mend:
// if not, or if that takes a closer look, check says more.
func (s *Source) quickResource(b []byte, rng Range) bool {
	elements, fine := 0, true
	c := over(b, rng)
	for c.next() {
		switch uint64(c.num)<<3 | uint64(c.typ) {
		case 1<<3 | wireBytes: // attributes
			kv := c.value()
			s.identify(kv)
			elements++
			fine = fine && finePair(kv)
		case 2<<3 | wireVarint: // dropped_attributes_count
		default:
			fine = false
		}
	}
	return fine && c.bad == framed && elements <= MaxCount
}

// identify reads an attribute of the resource; of equal ones the first counts.
func (s *Source) identify(kv []byte) {
	if len(kv) < 2 || kv[0] == 1<<3|wireBytes && !named(int(kv[1])) {
		return
	}
	key, text := textPair(kv)
	if into := s.field(key); into != nil && *into == nil && len(text) > 0 {
		*into = validUTF8(text)
	}
}

// textPair splits a KeyValue whose value is text; that of another kind is nil. Of the usual form it is read where it
// lies.
func textPair(kv []byte) (key, text []byte) {
	if v := 2 + int(kv[1]); kv[0] == 1<<3|wireBytes && v < 0x82 && len(kv) >= v+4 && len(kv)-v < 0x82 &&
		kv[v] == 2<<3|wireBytes && int(kv[v+1]) == len(kv)-v-2 && kv[v+2] == uint8(ValueString)<<3|wireBytes && int(kv[v+3]) == len(kv)-v-4 {
		return kv[2:v], kv[v+4:]
	}
	key, v := pair(kv)
	if k, _, b := v.find(); k == ValueString {
		text = b
	}
	return key, text
}

// named tells whether a key that identify looks for has n bytes: encoders write the key first, so that most attributes
// are passed over by this alone.
func named(n int) bool {
	return n == len("service.name") || n == len("telemetry.sdk.name") || n == len("telemetry.sdk.version") || n == len("telemetry.sdk.language")
}

func (s *Source) field(key []byte) *[]byte {
	switch string(key) {
	case "service.name":
		return &s.Service
	case "telemetry.sdk.language":
		return &s.SDKLanguage
	case "telemetry.sdk.name":
		return &s.SDKName
	case "telemetry.sdk.version":
		return &s.SDKVersion
	}
	return nil
}

// noteSequence finds the mark of the SDK processor on the first span of a scope.
func (r *Request) noteSequence(span []byte) {
	const prefix = "triflow.sequence."
	var found Sequence
	for c := (cursor{b: span, end: len(span)}); c.next(); {
		if c.num != 9 || c.typ != wireBytes {
			continue
		}
		kv := c.value()
		if len(kv) < 2+len(prefix) || kv[0] == 1<<3|wireBytes && (kv[1] < 22 || kv[1] > 23) {
			continue
		}
		key, v := pair(kv)
		name, ok := bytes.CutPrefix(key, []byte(prefix))
		if !ok {
			continue
		}
		switch k, n, text := v.find(); {
		case k == ValueString && string(name) == "stream":
			found.Stream = text
		case k == ValueInt && string(name) == "first":
			found.First = n
		case k == ValueInt && string(name) == "count":
			found.Count = n
		}
	}
	if len(found.Stream) == 0 || !utf8.Valid(found.Stream) || int64(found.First) < 1 || int64(found.Count) < 1 {
		return
	}
	r.sequences = append(r.sequences, found)
	r.source.marks++
}
