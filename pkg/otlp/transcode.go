package otlp

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/jsonscan"
)

// ErrTooLarge says that a request in JSON takes more bytes as protobuf than it may. A part of it would be taken.
var ErrTooLarge = errors.New("request too large")

// MaxMarks bounds the items that Transcode marks.
const MaxMarks = 1 << 16

// maxJSONDepth bounds the nesting of a JSON document: what MaxDepth maps in each other need, four levels each, and a
// little for what is around them.
const maxJSONDepth = 4*MaxDepth + 64

// markBytes is what a Mark takes beside its texts, at least.
const markBytes = 64

// Transcode turns an export request in OTLP/JSON into protobuf, appended to dst. It is strict about JSON and lenient
// about its dialects: keys in lowerCamelCase or snake_case, 64-bit integers as numbers or strings, ids in hex of
// either case, enums as numbers or names; unknown keys are passed over. An item with a value that does not fit its
// field is marked, for Request.Scan to refuse it alone. The request and its marks take at most limit bytes together.
// The error is a *jsonscan.Error, all of the request being lost with it, or wraps ErrTooLarge.
func Transcode(dst []byte, s Signal, body []byte, limit int) (request []byte, marks []Mark, err error) {
	t := transcoder{out: dst, start: len(dst), limit: limit}
	err = jsonscan.Read(body, maxJSONDepth, func(scanner *jsonscan.Scanner) {
		t.Scanner = scanner
		t.message(s.root(), 0)
		if top := schema[s.root()].field(1).name; t.strangers && !t.known {
			t.Fail("no key of an export request of %s, want %q", s, JSONPath(top))
		}
	})
	var bad *jsonscan.Error
	if errors.As(err, &bad) {
		bad.Path = JSONPath(t.pathText())
	}
	if err != nil {
		return nil, nil, err
	}
	return t.out, t.marks, nil
}

// JSONPath turns a path in the names of protobuf into one in those of JSON.
func JSONPath(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] == '_' && i+1 < len(path) && path[i+1] >= 'a' && path[i+1] <= 'z' {
			i++
			out = append(out, path[i]-'a'+'A')
			continue
		}
		out = append(out, path[i])
	}
	return string(out)
}

type transcoder struct {
	*jsonscan.Scanner
	out   []byte
	start int // of the request in out
	limit int // of what the request and its marks take
	path  []step
	value int // steps to the outermost AnyValue
	marks []Mark
	noted int // bytes that the marks take

	items            int  // items begun
	inItem, faulty   bool // inside an item; which is marked
	known, strangers bool // keys that the outermost object has
}

type step struct {
	field *field
	index int
}

// message reads an object as the fields of a message. values counts the AnyValues around it.
func (t *transcoder) message(id messageID, values int) {
	if id == anyValue {
		if values++; values == 1 {
			t.value = len(t.path)
		}
		if values > MaxDepth {
			path := t.path
			t.path = t.path[:t.value] // the outermost value is named
			t.mark(FaultDepth, fmt.Sprintf("values nested deeper than %d", MaxDepth))
			t.path = path
			t.Skip()
			return
		}
	}
	if t.Peek() != '{' {
		t.misfit("an object")
		return
	}
	m := &schema[id]
	if m.role == item {
		t.inItem, t.faulty = true, false
		defer func() { t.items, t.inItem = t.items+1, false }()
	}
	outermost := t.Depth() == 0
	t.Object(func(key []byte) {
		num := m.named(key)
		if outermost {
			t.known, t.strangers = t.known || num > 0, true
		}
		if num == 0 {
			t.Skip()
			return
		}
		f := &m.fields[num]
		t.path = append(t.path, step{field: f})
		switch {
		case t.isNull():
			t.Literal()
		case !f.list:
			t.field(f, protowire.Number(num), values)
		case t.Peek() != '[':
			t.misfit("an array")
		default:
			t.Array(func(i int) {
				t.path[len(t.path)-1].index = i
				t.field(f, protowire.Number(num), values)
			})
		}
		t.path = t.path[:len(t.path)-1]
	})
}

// named finds a field by its name in JSON or in protobuf, or gives 0.
func (m *message) named(key []byte) int {
	for num := range m.fields {
		if m.fields[num].kind != kindNone && sameName(m.fields[num].name, key) {
			return num
		}
	}
	return 0
}

func sameName(name string, key []byte) bool {
	if string(key) == name {
		return true
	}
	j := 0
	for i := 0; i < len(name); i, j = i+1, j+1 {
		c := name[i]
		if c == '_' {
			i++
			c = name[i] - 'a' + 'A'
		}
		if j >= len(key) || key[j] != c {
			return false
		}
	}
	return j == len(key)
}

func (t *transcoder) isNull() bool { return t.Peek() == 'n' }

// field reads one value of a field.
func (t *transcoder) field(f *field, num protowire.Number, values int) {
	switch f.kind {
	case kindMessage:
		t.out = protowire.AppendTag(t.out, num, protowire.BytesType)
		start := len(t.out)
		t.message(f.of, values)
		t.out = fixLength(t.out, start, 0)
	case kindText:
		if s, ok := t.quoted("a string"); ok {
			t.bytes(num, s)
		}
	case kindBytes:
		if s, ok := t.quoted("a string in base64"); ok {
			if b, ok := fromBase64(s); ok {
				t.bytes(num, b)
			} else {
				t.mark(FaultValue, fmt.Sprintf("%s, want base64", clip(s)))
			}
		}
	case kindID:
		t.id(f, num)
	case kindDouble:
		if v, ok := t.double(); ok {
			t.out = protowire.AppendFixed64(protowire.AppendTag(t.out, num, protowire.Fixed64Type), math.Float64bits(v))
		}
	default:
		if v, ok := t.integer(f); ok {
			t.appendNumber(f.kind, num, v)
		}
	}
	t.room(0)
}

// bytes writes a field of bytes.
func (t *transcoder) bytes(num protowire.Number, b []byte) {
	t.room(len(b))
	t.out = appendBytes(t.out, num, b)
}

// misfit passes over a value of the wrong type.
func (t *transcoder) misfit(want string) {
	what, start := t.Kind(), t.Pos()
	t.Skip()
	if !t.inItem {
		t.FailAt(start, "%s, want %s", what, want)
	}
	t.mark(FaultValue, what+", want "+want)
}

// mark notes a fault of the item that is being read, the first one only. Outside of an item it fails the request.
func (t *transcoder) mark(f Fault, text string) {
	if !t.inItem {
		t.Fail("%s", text)
	}
	if t.faulty {
		return
	}
	m := Mark{Item: t.items, Path: t.pathText(), Text: text, Fault: f}
	t.noted += markBytes + len(m.Path) + len(m.Text)
	t.room(0)
	if len(t.marks) == MaxMarks {
		t.Stop(tooLarge(fmt.Sprintf("more than %d items are faulty", MaxMarks)))
	}
	t.marks, t.faulty = append(t.marks, m), true
}

// room makes sure that n more bytes are within the limit.
func (t *transcoder) room(n int) {
	if len(t.out)-t.start+t.noted+n > t.limit {
		t.Stop(tooLarge(fmt.Sprintf("more than %d bytes as protobuf, at byte %d of the JSON", t.limit, t.Pos())))
	}
}

// tooLarge says why a request is.
type tooLarge string

func (e tooLarge) Error() string { return ErrTooLarge.Error() + ": " + string(e) }
func (e tooLarge) Unwrap() error { return ErrTooLarge }

func (t *transcoder) pathText() string {
	var b strings.Builder
	for i, s := range t.path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.field.name)
		if s.field.list {
			fmt.Fprintf(&b, "[%d]", s.index)
		}
	}
	return b.String()
}
