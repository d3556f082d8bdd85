package drain

import (
	"strings"
	"unicode/utf8"
)

// Wildcard stands for what varies.
const Wildcard = "<*>"

// maxLineBytes is how much of a line is looked at; what follows has no part in its template.
const maxLineBytes = 4 << 10

// maxQuote bounds how long a quoted value may be.
const maxQuote = 1 << 10

// Scanner cuts lines into tokens and masks their values. The zero value is ready; it serves one goroutine.
//
// The tokens of a line join to its canonical form: blanks collapsed to one, which leads the token after it, and values
// as <*>. Values with nothing but separators between them are one <*>, so lists of any length look alike.
type Scanner struct {
	line   string
	form   []byte // canonical form so far
	ends   []int  // where each token of form ends
	start  int    // where the open token starts
	masked int    // end of the last <*> in form when only separators follow it, else -1
	before int    // tokens that were closed when that <*> was written
	text   int    // index of the quote that ends text which is scanned and not masked; -1 outside
}

// Scan cuts line into at most limit tokens; the rest of the line is left out. What it gives is valid until the next Scan.
func (s *Scanner) Scan(line string, limit int) Tokens {
	line = line[:whole(line, maxLineBytes)]
	s.line, s.form, s.ends, s.start, s.masked = line, s.form[:0], s.ends[:0], 0, -1
	s.text = -1
	for i := 0; i < len(line) && len(s.ends) < limit; {
		i = s.step(i)
	}
	s.closeToken()
	s.ends = s.ends[:min(len(s.ends), limit)]
	s.form = s.form[:s.tokenStart(len(s.ends))]
	return Tokens{form: s.form, ends: s.ends}
}

// step takes in what starts at i and returns where to go on.
func (s *Scanner) step(i int) int {
	switch c := s.line[i]; {
	case blank(c):
		s.closeToken()
		for i < len(s.line) && blank(s.line[i]) {
			i++
		}
		if i < len(s.line) && len(s.form) > 0 {
			s.form = append(s.form, ' ')
		}
		return i
	case i == s.text:
		s.literal(s.line[i : i+1])
		return i + 1
	case c == '"' || c == '\'' && s.atWordStart(i):
		return s.quoted(i)
	case c == '=':
		return s.assignment(i)
	case separator(c):
		s.literal(s.line[i : i+1])
		if i+1 == len(s.line) || !separator(s.line[i+1]) {
			if s.hasWord() {
				s.closeToken()
			}
		}
		return i + 1
	}
	if n := dateWords(s.line[i:]); n > 0 {
		s.mask()
		return i + n
	}
	end := wordEnd(s.line, i)
	s.word(s.line[i:end])
	return end
}

// assignment masks the value after an equals sign, unless it is text in its own right (msg=…) or opens a bracket.
func (s *Scanner) assignment(i int) int {
	key := s.form[s.start:]
	text := telling(key)
	i++
	s.literal("=")
	s.closeToken()
	blanks := i
	for blanks < len(s.line) && s.line[blanks] == ' ' {
		blanks++
	}
	if len(key) == 0 || text || blanks == len(s.line) || blanks > i+2 {
		return i
	}
	end := valueEnd(s.line, blanks)
	if end == blanks || blanks > i && end < len(s.line) && s.line[end] == '=' {
		return i
	}
	if blanks > i {
		s.form = append(s.form, ' ')
	}
	s.mask()
	return end
}

// valueEnd gives the end of the value at i: a list in brackets, or what goes up to a blank, separator, quote or '='.
func valueEnd(line string, i int) int {
	if line[i] == '[' {
		if n := strings.IndexByte(line[i:], ']'); n > 0 && !strings.Contains(line[i:i+n], "=") {
			return i + n + 1
		}
	}
	for i < len(line) && !blank(line[i]) && !separator(line[i]) && line[i] != '"' && line[i] != '=' {
		i++
	}
	return i
}

// quoted masks what a pair of quotes holds. A quoted key of JSON stays, and so does text in its own right.
func (s *Scanner) quoted(i int) int {
	quote := s.line[i : i+1]
	end := closing(s.line, i)
	if end < 0 || quote == "'" && end+1 < len(s.line) && wordByte(s.line[end+1]) {
		s.literal(quote)
		return i + 1
	}
	if end+1 < len(s.line) && s.line[end+1] == ':' {
		s.literal(s.line[i : end+2])
		s.closeToken()
		return end + 2
	}
	n := len(s.ends)
	if requestLine(s.line[i+1:end]) || n > 0 && len(s.form) == s.start && telling(s.form[s.tokenStart(n-1):s.ends[n-1]]) {
		s.text = end
		s.literal(quote)
		return i + 1
	}
	s.literal(quote)
	s.mask()
	s.literal(quote)
	return end + 1
}

// mask writes a <*>, or lets the last one stand for this value too when only separators came since.
func (s *Scanner) mask() {
	if s.masked >= 0 {
		s.form = s.form[:s.masked]
		s.ends = s.ends[:s.before]
		s.start = s.tokenStart(len(s.ends))
		return
	}
	s.form = append(s.form, Wildcard...)
	s.masked, s.before = len(s.form), len(s.ends)
}

// literal writes text that stays.
func (s *Scanner) literal(text string) {
	s.form = append(s.form, text...)
	if s.masked >= 0 && !listSeparator(text) {
		s.masked = -1
	}
}

// closeToken ends the open token if it has any byte but the blank that leads it.
func (s *Scanner) closeToken() {
	if open := s.form[s.start:]; len(open) > 0 && !(len(open) == 1 && open[0] == ' ') {
		s.ends = append(s.ends, len(s.form))
		s.start = len(s.form)
	}
}

// hasWord tells that the open token holds more than separators, so that a separator may end it.
func (s *Scanner) hasWord() bool {
	for _, c := range s.form[s.start:] {
		if c != ' ' && !separator(c) {
			return true
		}
	}
	return false
}

func (s *Scanner) atWordStart(i int) bool { return i == 0 || !wordByte(s.line[i-1]) }

func (s *Scanner) tokenStart(n int) int {
	if n == 0 {
		return 0
	}
	return s.ends[n-1]
}

// closing gives the index of the quote that closes the one at i, or -1; a backslash hides the byte after it. It looks
// maxQuote bytes ahead, so that a line of quotes is not quadratic.
func closing(line string, i int) int {
	for j := i + 1; j < min(len(line), i+maxQuote); j++ {
		switch line[j] {
		case '\\':
			j++
		case line[i]:
			return j
		}
	}
	return -1
}

// wordEnd gives the end of the word that starts at i. A colon belongs to it when a word goes on behind it (10:15, ::1).
// An equals sign belongs to a path or URL (its query), else it ends the word.
func wordEnd(line string, i int) int {
	j := i
	path := line[i] == '/'
	for j < len(line) {
		c := line[j]
		if c == ':' && j+1 < len(line) && (wordByte(line[j+1]) || line[j+1] == '/' || line[j+1] == ':') {
			path = path || strings.HasPrefix(line[j:], "://")
			j++
			continue
		}
		if blank(c) || separator(c) || c == '"' || c == '=' && !path {
			break
		}
		j++
	}
	return max(j, i+1)
}

// telling reports a key whose value is a message or a class of messages, and not a variable of one.
func telling(key []byte) bool {
	if n := len(key); n > 0 && (key[n-1] == '=' || key[n-1] == ':') {
		key = key[:n-1]
	}
	for len(key) > 0 && (key[0] == ' ' || separator(key[0])) {
		key = key[1:]
	}
	switch string(key) {
	case "msg", "message", "level", "lvl", "severity", "event", "logger", "component",
		`"msg"`, `"message"`, `"level"`, `"severity"`, `"event"`, `"logger"`, `"component"`:
		return true
	}
	return false
}

// requestLine reports text like `GET /cart HTTP/1.1`, whose method tells more than that something was quoted.
func requestLine(text string) bool {
	i := 0
	for i < len(text) && text[i] >= 'A' && text[i] <= 'Z' {
		i++
	}
	return i >= 3 && i+1 < len(text) && text[i] == ' ' && text[i+1] == '/'
}

func listSeparator(text string) bool {
	for i := range len(text) {
		switch text[i] {
		case ' ', ',', ';', ':', '/', '-', '.', '_', '|', '@', '#', '+':
		default:
			return false
		}
	}
	return true
}

func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

func separator(c byte) bool {
	switch c {
	case ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '|', ':':
		return true
	}
	return false
}

func wordByte(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
