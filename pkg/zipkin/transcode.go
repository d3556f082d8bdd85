package zipkin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/jsonscan"
	"github.com/triflow/triflow/pkg/otlp"
)

// maxDepth bounds the nesting of the document. Zipkin needs 4; keys that it does not know may hold anything.
const maxDepth = 64

// What is held of a mark beside its texts, and of a source or scope beside what is written of it, at least.
const (
	markBytes  = 64
	placeBytes = 128
)

// Transcode turns a list of spans in JSON into an export request of traces, appended to dst. Like otlp.Transcode it is
// strict about JSON, passes over unknown keys, and marks a span with a value that does not fit, for otlp.Request.Scan to
// refuse it alone; the paths of marks are those of the list, as "[2].tags.error". The request, its marks
// and what holds its parts take at most limit bytes together. The error is a *jsonscan.Error, all of the list being lost with it, or wraps otlp.ErrTooLarge.
func Transcode(dst, body []byte, limit int) (request []byte, marks []otlp.Mark, err error) {
	t := transcoder{limit: limit, bySource: map[string]int{}, byScope: map[scopeKey]int{}}
	err = jsonscan.Read(body, maxDepth, func(s *jsonscan.Scanner) {
		t.Scanner = s
		t.list()
	})
	var bad *jsonscan.Error
	if errors.As(err, &bad) {
		bad.Path = t.pathText()
	}
	if err == nil {
		err = t.within(t.requestSize())
	}
	if err != nil {
		return nil, nil, err
	}
	request, marks = t.appendRequest(dst)
	return request, marks, nil
}

// transcoder gathers spans by where they come from. What is in a list of it is in the order of the body.
type transcoder struct {
	*jsonscan.Scanner
	path  []step
	span  span // that is being read
	limit int
	size  int // bytes of the spans, resources and scopes
	held  int // bytes of all else
	marks int

	sources  []source
	bySource map[string]int // by service
	byScope  map[scopeKey]int
}

// step is one into a value: by a name, or by an index if there is none.
type step struct {
	name  string
	index int
}

// source is what one service sent.
type source struct {
	resource []byte // with its tag
	scopes   []scope
}

type scope struct {
	scope []byte // with its tag
	spans []byte // with their tags
	count int
	marks []otlp.Mark // Item counts within spans
}

type scopeKey struct {
	source        int
	name, version string
}

// list reads all spans.
func (t *transcoder) list() {
	if t.Peek() != '[' {
		what, at := t.Kind(), t.Pos()
		t.Skip()
		t.FailAt(at, "%s, want an array of spans", what)
	}
	t.Array(func(i int) {
		t.enter(step{index: i}, func() {
			t.readSpan()
			t.keep()
		})
	})
}

// enter calls read with one step more in the path; a member that is null counts as none.
func (t *transcoder) enter(s step, read func()) {
	t.path = append(t.path, s)
	if t.Peek() == 'n' && s.name != "" {
		t.Literal()
	} else {
		read()
	}
	t.path = t.path[:len(t.path)-1]
}

// keep puts the span that was read to those of its scope.
func (t *transcoder) keep() {
	to := t.scopeOf(&t.span)
	before := len(to.spans)
	to.spans = t.span.append(to.spans)
	t.size += len(to.spans) - before
	if m := t.span.mark; m != nil {
		t.held += markBytes + len(m.Path) + len(m.Text)
		m.Item = to.count
		to.marks = append(to.marks, *m)
		if t.marks++; t.marks > otlp.MaxMarks {
			t.Stop(fmt.Errorf("%w: more than %d spans are faulty", otlp.ErrTooLarge, otlp.MaxMarks))
		}
	}
	to.count++
	if err := t.within(t.size); err != nil {
		t.Stop(err)
	}
}

// within is an error if a request of so many bytes is beyond the limit.
func (t *transcoder) within(bytes int) error {
	if bytes+t.held > t.limit {
		return fmt.Errorf("%w: more than %d bytes as protobuf", otlp.ErrTooLarge, t.limit)
	}
	return nil
}

// scopeOf finds or makes the place of a span.
func (t *transcoder) scopeOf(s *span) *scope {
	at, known := t.bySource[string(s.service)]
	if !known {
		at = len(t.sources)
		t.bySource[string(s.service)] = at
		t.sources = append(t.sources, source{resource: appendResource(nil, s.service)})
		t.size += len(t.sources[at].resource)
		t.held += placeBytes
	}
	of := &t.sources[at]
	key := scopeKey{at, string(s.scope), string(s.version)}
	in, known := t.byScope[key]
	if !known {
		in = len(of.scopes)
		t.byScope[key] = in
		of.scopes = append(of.scopes, scope{scope: appendScope(nil, s.scope, s.version)})
		t.size += len(of.scopes[in].scope)
		t.held += placeBytes
	}
	return &of.scopes[in]
}

func (t *transcoder) pathText() string {
	var b strings.Builder
	for _, s := range t.path {
		if s.name == "" {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		} else {
			b.WriteString("." + s.name)
		}
	}
	return b.String()
}

func (s *scope) bytes() int { return len(s.scope) + len(s.spans) }

func (s *source) bytes() int {
	n := len(s.resource)
	for i := range s.scopes {
		n += sizeField(s.scopes[i].bytes())
	}
	return n
}

func (t *transcoder) requestSize() (n int) {
	for i := range t.sources {
		n += sizeField(t.sources[i].bytes())
	}
	return n
}

// appendRequest writes all that was read, and gives the marks by their place in it.
func (t *transcoder) appendRequest(dst []byte) (request []byte, marks []otlp.Mark) {
	items := 0
	for i := range t.sources {
		from := &t.sources[i]
		dst = append(appendHead(dst, requestResourceSpans, from.bytes()), from.resource...)
		for j := range from.scopes {
			in := &from.scopes[j]
			dst = appendHead(dst, resourceSpansScopeSpans, in.bytes())
			dst = append(append(dst, in.scope...), in.spans...)
			for _, m := range in.marks {
				m.Item += items
				marks = append(marks, m)
			}
			items += in.count
		}
	}
	return dst, marks
}

// sizeField is what a field of n bytes with a number below 16 takes.
func sizeField(n int) int { return 1 + protowire.SizeBytes(n) }
