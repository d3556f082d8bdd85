package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Text reads a string. What it gives is valid until the next call.
func (s *Scanner) Text() []byte {
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
			s.Fail("control character %#02x in a string", c)
		default:
			s.pos++
		}
	}
	s.unexpected("the end of a string")
	return nil
}

// escaped reads on behind the first escape.
func (s *Scanner) escaped() []byte {
	for s.pos < len(s.b) {
		c := s.b[s.pos]
		switch {
		case c == '"':
			s.pos++
			return s.buf
		case c < ' ':
			s.Fail("control character %#02x in a string", c)
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
			s.Fail("unknown escape %q in a string", c)
		}
	}
	s.unexpected("the end of a string")
	return nil
}

// unicode reads the digits of \u, and a second escape if it is the other half of a pair. A half alone is U+FFFD.
func (s *Scanner) unicode() rune {
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

func (s *Scanner) hex4() rune {
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
			s.Fail("%q in \\u, want four hex digits", c)
		}
	}
	s.pos += 4
	return r
}
