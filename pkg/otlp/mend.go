package otlp

import (
	"bytes"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// RepairKind says what was mended. The set is closed; String gives its word for metrics and the API.
type RepairKind uint8

const (
	// RepairLink is a link without the id of a span: it is cut out of its span.
	RepairLink RepairKind = iota + 1
	// RepairParentID is a parent span id of zeros, as some write for a root: it is cut out.
	RepairParentID
	// RepairUTF8 is a text that is not UTF-8: each run of bad bytes becomes U+FFFD. An item gets an attribute that says so.
	RepairUTF8
)

// String is the word for k.
func (k RepairKind) String() string {
	switch k {
	case RepairLink:
		return "link"
	case RepairParentID:
		return "parent_span_id"
	case RepairUTF8:
		return "utf8"
	}
	return "none"
}

// text says what was done.
func (k RepairKind) text() string {
	switch k {
	case RepairLink:
		return "no trace and span id that are not zero, link left out"
	case RepairParentID:
		return "all zero, left out"
	case RepairUTF8:
		return "not UTF-8, bad bytes replaced by U+FFFD"
	}
	return ""
}

// repairs is a set of kinds.
type repairs uint8

func (r repairs) has(k RepairKind) bool { return r&(1<<k) != 0 }

// QualityKey is the attribute of an item with mended texts, and QualityInvalidUTF8 its value.
const (
	QualityKey         = "triflow.quality"
	QualityInvalidUTF8 = "invalid_utf8"
)

// Repair tells what was mended in the items that are taken, by the first of its kind.
type Repair struct {
	Kind RepairKind
	// Count is how many links, ids or texts were mended.
	Count int
	// Path leads to the first, in the names of protobuf; JSONPath turns them into those of JSON.
	Path string
	// Text says what came and what became of it.
	Text string
}

// Repairs gives one Repair for each kind of repair that Kept makes, in the order of the kinds.
func (r *Request) Repairs() []Repair {
	if len(r.edits) == 0 {
		return nil
	}
	var out []Repair
	for k := RepairLink; k <= RepairUTF8; k++ {
		if n := r.done().count[k]; n > 0 {
			out = append(out, Repair{Kind: k, Count: n, Path: r.path(r.done().first[k]), Text: k.text()})
		}
	}
	return out
}

// mender appends to out what is in b, mended.
type mender struct {
	b, out []byte
	count  [RepairUTF8 + 1]int // repairs by kind
	first  [RepairUTF8 + 1]int // where the first was
}

func (m *mender) note(k RepairKind, at int) {
	if m.count[k]++; m.count[k] == 1 {
		m.first[k] = at
	}
}

// open begins the message that c is at, and leaves room for its length, which seldom takes more or less of it.
func (m *mender) open(c *cursor) (start int) {
	m.out = appendHead(m.out, protowire.Number(c.num), c.pos-c.off)
	return len(m.out)
}

// close writes the length of the message that c is at and that start was given for.
func (m *mender) close(start int, c *cursor) {
	m.out = fixLength(m.out, start, protowire.SizeVarint(uint64(c.pos-c.off)))
}

// field mends the field f that c is at.
func (m *mender) field(f *field, c *cursor) {
	switch {
	case f == nil || c.typ != wireBytes:
	case f.kind == kindText:
		if !utf8.Valid(c.value()) {
			m.note(RepairUTF8, c.start)
		}
		m.out = appendBytes(m.out, protowire.Number(c.num), validUTF8(c.value()))
		return
	case f.of == spanLink && !linked(c.value()):
		m.note(RepairLink, c.start)
		return
	case f.kind == kindMessage:
		start := m.open(c)
		m.message(f.of, c.at())
		m.close(start, c)
		return
	case noParent(f, c.value()):
		m.note(RepairParentID, c.start)
		return
	}
	m.out = append(m.out, m.b[c.start:c.pos]...)
}

// message mends the part or item at rng.
func (m *mender) message(id messageID, rng Range) {
	attributes := uint32(0)
	if schema[id].role == item && check(m.b, id, rng, 0).mend.has(RepairUTF8) {
		attributes = attributesOf(id)
	}
	parent := -1 // the last one, which counts
	if id == span {
		for c := over(m.b, rng); c.next(); {
			if c.num == 4 && c.typ == wireBytes {
				parent = c.start
			}
		}
	}
	for c := over(m.b, rng); c.next(); {
		switch {
		case c.start < parent && c.num == 4 && c.typ == wireBytes && !zeros(c.value()):
		case attributes > 0 && c.num == attributes && c.typ == wireBytes && isQuality(c.value()):
			if check(m.b, keyValue, c.at(), 0).mend != 0 {
				m.note(RepairUTF8, c.start)
			}
		default:
			m.field(schema[id].field(c.num), &c)
		}
	}
	if attributes > 0 {
		value := appendBytes(nil, 1, []byte(QualityInvalidUTF8))
		m.out = appendBytes(m.out, protowire.Number(attributes), appendBytes(appendBytes(nil, 1, []byte(QualityKey)), 2, value))
	}
}

// attributesOf is the number of the field with the attributes of an item: every item has one.
func attributesOf(id messageID) uint32 {
	for num := range schema[id].fields {
		if schema[id].fields[num].name == "attributes" {
			return uint32(num)
		}
	}
	return 0
}

func isQuality(kv []byte) bool {
	key, _ := pair(kv)
	return string(key) == QualityKey
}

// validUTF8 gives b with each run of bytes that are not UTF-8 replaced: b itself if there is none.
func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(b, []byte(string(utf8.RuneError)))
}
