package pipeline

import (
	"bytes"
	"strings"
)

// glob is a pattern in which * is any run of bytes and ? is any byte.
type glob struct {
	pattern string
	// prefix and suffix are what is before the first and behind the last of the two, which settles most keys.
	prefix, suffix []byte
}

func newGlob(pattern string) glob {
	return glob{
		pattern: pattern,
		prefix:  []byte(pattern[:strings.IndexAny(pattern, "*?")]),
		suffix:  []byte(pattern[strings.LastIndexAny(pattern, "*?")+1:]),
	}
}

// match goes back to the last star where a text does not go on as the pattern does: that takes as many steps as both
// have bytes, multiplied, at most.
func (g *glob) match(text []byte) bool {
	if !bytes.HasPrefix(text, g.prefix) || !bytes.HasSuffix(text, g.suffix) {
		return false
	}
	pattern := g.pattern
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
