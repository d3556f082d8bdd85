package otlp

import (
	"fmt"
	"strconv"
)

// Malformed is the error for bytes that are not a protobuf message of the expected type. All of the request is lost
// with it, since nothing behind the fault can be told apart.
type Malformed struct {
	// Path leads to the field, as "resource_spans[0].scope_spans[2].spans[1].name"; empty at the outermost level.
	Path string
	// Offset is the byte at which the field begins, from 0.
	Offset int
	reason reason
}

func (m *Malformed) Error() string {
	if m.Path == "" {
		return fmt.Sprintf("%s at byte %d", m.reason, m.Offset)
	}
	return fmt.Sprintf("%s: %s at byte %d", m.Path, m.reason, m.Offset)
}

func malformed(b []byte, root messageID, at int, r reason) error {
	return &Malformed{Path: pathTo(cursor{b: b, end: len(b)}, root, 0, at), Offset: at, reason: r}
}

// pathTo names the field that begins at the given offset. It walks down from the outermost message again, so that
// scanning need not remember where it is: from c, before which there are so many resources.
func pathTo(c cursor, root messageID, resources, offset int) string {
	var path []byte
	b, m := c.b, &schema[root]
	seen := [32]int{1: resources}
	for {
		if !c.next() && (c.bad == framed || c.start != offset) {
			return string(path)
		}
		f := m.field(c.num)
		if offset > c.start && (offset >= c.pos || f == nil) {
			if c.num < uint32(len(seen)) {
				seen[c.num]++
			}
			continue
		}
		path = appendField(path, f, c.num, seen)
		if offset == c.start || f.kind != kindMessage || c.typ != wireBytes {
			return string(path)
		}
		m, seen = &schema[f.of], [32]int{}
		c = over(b, c.at())
	}
}

func appendField(path []byte, f *field, num uint32, seen [32]int) []byte {
	if num == 0 {
		return path
	}
	if len(path) > 0 {
		path = append(path, '.')
	}
	if f == nil {
		return strconv.AppendUint(append(path, "field "...), uint64(num), 10)
	}
	path = append(path, f.name...)
	if f.list {
		path = strconv.AppendInt(append(path, '['), int64(seen[num]), 10)
		path = append(path, ']')
	}
	return path
}
