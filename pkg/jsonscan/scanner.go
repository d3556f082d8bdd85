// Package jsonscan reads JSON (RFC 8259) from left to right, for those who turn it into another form as they go.
//
// It is strict: what Read takes to its end is JSON and nothing else. It holds nothing of what it has passed, but for
// one string, and never recurses deeper than it was told.
package jsonscan

import "fmt"

// Error says why bytes cannot be read as what is wanted.
type Error struct {
	// Path leads to the value, as "spans[2].name"; Read leaves it empty.
	Path string
	// Offset is the byte at which reading stopped, from 0.
	Offset int
	// Text says what came and what is wanted.
	Text string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s at byte %d", e.Text, e.Offset)
	}
	return fmt.Sprintf("%s: %s at byte %d", e.Path, e.Text, e.Offset)
}

// Scanner stands at a place in a document. Each method that reads a value ends the Read around it when that value is
// not there.
type Scanner struct {
	b          []byte
	pos        int
	depth, max int
	buf        []byte // of the last string that had escapes
}

// stop is what ends a Read from within.
type stop struct{ error }

// Read calls value with a scanner at the start of b, which is to read one value, nested no deeper than depth. The error
// is an *Error, or what Stop was given.
func Read(b []byte, depth int, value func(*Scanner)) (err error) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case stop:
			err = end.error
		default:
			panic(end)
		}
	}()
	s := &Scanner{b: b, max: depth}
	value(s)
	if s.Peek(); s.pos < len(b) {
		s.unexpected("the end of the JSON")
	}
	return nil
}

// Stop ends the Read with err.
func (s *Scanner) Stop(err error) { panic(stop{err}) }

// Pos is how many bytes are read.
func (s *Scanner) Pos() int { return s.pos }

// Depth counts the objects and arrays around the next token.
func (s *Scanner) Depth() int { return s.depth }

// Fail ends the Read with an *Error at the next byte.
func (s *Scanner) Fail(format string, args ...any) { s.FailAt(s.pos, format, args...) }

// FailAt ends the Read with an *Error at a byte.
func (s *Scanner) FailAt(offset int, format string, args ...any) {
	s.Stop(&Error{Offset: offset, Text: fmt.Sprintf(format, args...)})
}

// Kind says in words what the next value is by its first byte.
func (s *Scanner) Kind() string {
	switch s.Peek() {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a bool"
	case 'n':
		return "null"
	}
	return "a number"
}

// Peek gives the first byte of the next token, or 0 at the end.
func (s *Scanner) Peek() byte {
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
func (s *Scanner) expect(c byte) {
	if got := s.Peek(); got != c || s.pos >= len(s.b) {
		s.unexpected(fmt.Sprintf("%q", c))
	}
	s.pos++
}

func (s *Scanner) unexpected(want string) {
	if s.pos >= len(s.b) {
		s.Fail("the JSON ends early, want %s", want)
	}
	s.Fail("%q, want %s", s.b[s.pos], want)
}

func (s *Scanner) open(c byte) {
	s.expect(c)
	if s.depth++; s.depth > s.max {
		s.Fail("JSON nested deeper than %d", s.max)
	}
}

func (s *Scanner) close(c byte) {
	s.expect(c)
	s.depth--
}

// Array reads an array and calls element at every element of it, which is to read it.
func (s *Scanner) Array(element func(i int)) {
	s.open('[')
	if s.Peek() != ']' {
		for i := 0; ; i++ {
			element(i)
			if s.Peek() != ',' {
				break
			}
			s.pos++
		}
	}
	s.close(']')
}

// Object reads an object and calls member at every value of it, which is to read it; key is valid until then.
func (s *Scanner) Object(member func(key []byte)) {
	s.open('{')
	if s.Peek() != '}' {
		for {
			if s.Peek() != '"' {
				s.unexpected("a key in quotes")
			}
			key := s.Text()
			s.expect(':')
			member(key)
			if s.Peek() != ',' {
				break
			}
			s.pos++
		}
	}
	s.close('}')
}

// Skip reads one value of any kind.
func (s *Scanner) Skip() {
	switch s.Peek() {
	case '{':
		s.Object(func([]byte) { s.Skip() })
	case '[':
		s.Array(func(int) { s.Skip() })
	case '"':
		s.Text()
	default:
		s.Literal()
	}
}

// Literal reads a number, true, false or null.
func (s *Scanner) Literal() []byte {
	s.Peek()
	start := s.pos
	for s.pos < len(s.b) && isLiteral(s.b[s.pos]) {
		s.pos++
	}
	word := s.b[start:s.pos]
	switch string(word) {
	case "true", "false", "null":
		return word
	}
	if !IsNumber(word) {
		s.pos = start
		s.unexpected("a JSON value")
	}
	return word
}

func isLiteral(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
}
