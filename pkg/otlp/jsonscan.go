package otlp

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of a JSON document: what MaxDepth values need, and a little for what is around them.
const maxJSONDepth = 3*MaxDepth + 64

// BadJSON is the error for a body that cannot be read as a request in JSON. All of the request is lost with it.
type BadJSON struct {
	// Path leads to the field, in the names of protobuf; empty where there is none.
	Path string
	// Offset is the byte at which reading stopped, from 0.
	Offset int
	// Text says what came and what is wanted.
	Text string
}

func (e *BadJSON) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s at byte %d", e.Text, e.Offset)
	}
	return fmt.Sprintf("%s: %s at byte %d", JSONPath(e.Path), e.Text, e.Offset)
}

// jsonScanner reads JSON (RFC 8259) from left to right. Its methods panic with *BadJSON, which Transcode recovers:
// every one of them can fail, and none can go on.
type jsonScanner struct {
	b     []byte
	pos   int
	depth int
	buf   []byte // of the last string that had escapes
}

func (s *jsonScanner) fail(format string, args ...any) {
	panic(&BadJSON{Offset: s.pos, Text: fmt.Sprintf(format, args...)})
}

// peek gives the first byte of the next token, or 0 at the end.
func (s *jsonScanner) peek() byte {
	for ; s.pos < len(s.b); s.pos++ {
		switch c := s.b[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expect reads one byte of punctuation.
func (s *jsonScanner) expect(c byte) {
	if got := s.peek(); got != c || s.pos >= len(s.b) {
		s.unexpected(fmt.Sprintf("%q", c))
	}
	s.pos++
}

func (s *jsonScanner) unexpected(want string) {
	if s.pos >= len(s.b) {
		s.fail("the JSON ends early, want %s", want)
	}
	s.fail("%q, want %s", s.b[s.pos], want)
}

func (s *jsonScanner) open(c byte) {
	s.expect(c)
	if s.depth++; s.depth > maxJSONDepth {
		s.fail("JSON nested deeper than %d", maxJSONDepth)
	}
}

func (s *jsonScanner) close(c byte) {
	s.expect(c)
	s.depth--
}

// each calls element at every element of an array, or at every value of an object, with its key.
func (s *jsonScanner) array(element func(i int)) {
	s.open('[')
	if s.peek() != ']' {
		for i := 0; ; i++ {
			element(i)
			if s.peek() != ',' {
				break
			}
			s.pos++
		}
	}
	s.close(']')
}

func (s *jsonScanner) object(member func(key []byte)) {
	s.open('{')
	if s.peek() != '}' {
		for {
			if s.peek() != '"' {
				s.unexpected("a key in quotes")
			}
			key := s.text()
			s.expect(':')
			member(key)
			if s.peek() != ',' {
				break
			}
			s.pos++
		}
	}
	s.close('}')
}

// skip reads one value of any kind.
func (s *jsonScanner) skip() {
	switch s.peek() {
	case '{':
		s.object(func([]byte) { s.skip() })
	case '[':
		s.array(func(int) { s.skip() })
	case '"':
		s.text()
	default:
		s.literal()
	}
}

// literal reads a number, true, false or null.
func (s *jsonScanner) literal() []byte {
	s.peek()
	start := s.pos
	for s.pos < len(s.b) && isLiteral(s.b[s.pos]) {
		s.pos++
	}
	word := s.b[start:s.pos]
	switch string(word) {
	case "true", "false", "null":
		return word
	}
	if !isNumber(word) {
		s.pos = start
		s.unexpected("a JSON value")
	}
	return word
}

func isLiteral(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
}

// isNumber is the grammar of RFC 8259 section 6.
func isNumber(b []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n > 0
	}
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) > 1 && b[0] == '0' && b[1] >= '0' && b[1] <= '9' || !digits() {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b = b[1:]; !digits() {
			return false
		}
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(b) == 0
}

// text reads a string. What it gives is valid until the next call.
func (s *jsonScanner) text() []byte {
	s.expect('"')
	start := s.pos
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '"':
			s.pos++
			return s.b[start : s.pos-1]
		case c == '\\':
			s.buf = append(s.buf[:0], s.b[start:s.pos]...)
			return s.escaped()
		case c < ' ':
			s.fail("control character %#02x in a string", c)
		default:
			s.pos++
		}
	}
	s.unexpected("the end of a string")
	return nil
}

// escaped reads on behind the first escape.
func (s *jsonScanner) escaped() []byte {
	for s.pos < len(s.b) {
		c := s.b[s.pos]
		switch {
		case c == '"':
			s.pos++
			return s.buf
		case c < ' ':
			s.fail("control character %#02x in a string", c)
		case c != '\\':
			s.buf = append(s.buf, c)
			s.pos++
			continue
		}
		if s.pos++; s.pos >= len(s.b) {
			break
		}
		c = s.b[s.pos]
		s.pos++
		switch c {
		case '"', '\\', '/':
			s.buf = append(s.buf, c)
		case 'b':
			s.buf = append(s.buf, '\b')
		case 'f':
			s.buf = append(s.buf, '\f')
		case 'n':
			s.buf = append(s.buf, '\n')
		case 'r':
			s.buf = append(s.buf, '\r')
		case 't':
			s.buf = append(s.buf, '\t')
		case 'u':
			s.buf = utf8.AppendRune(s.buf, s.unicode())
		default:
			s.pos--
			s.fail("unknown escape %q in a string", c)
		}
	}
	s.unexpected("the end of a string")
	return nil
}

// unicode reads the digits of \u, and a second escape if it is the other half of a pair. A half alone is U+FFFD.
func (s *jsonScanner) unicode() rune {
	r := s.hex4()
	if !utf16.IsSurrogate(r) {
		return r
	}
	if s.pos+1 < len(s.b) && s.b[s.pos] == '\\' && s.b[s.pos+1] == 'u' {
		back := s.pos
		s.pos += 2
		if pair := utf16.DecodeRune(r, s.hex4()); pair != utf8.RuneError {
			return pair
		}
		s.pos = back
	}
	return utf8.RuneError
}

func (s *jsonScanner) hex4() rune {
	if len(s.b)-s.pos < 4 {
		s.pos = len(s.b)
		s.unexpected("four hex digits")
	}
	r := rune(0)
	for _, c := range s.b[s.pos : s.pos+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			s.fail("%q in \\u, want four hex digits", c)
		}
	}
	s.pos += 4
	return r
}
