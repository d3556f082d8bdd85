package pipeline

import (
	"regexp"
	"regexp/syntax"
	"unicode"
)

// pattern is a regular expression with what a text must have for a match. Most texts lack it, and to see that takes one
// walk for all patterns, where Go's expressions take some 100 ns for each byte.
type pattern struct {
	re    *regexp.Regexp
	needs []need
}

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)     { s[b>>6] |= 1 << (b & 63) }
func (s byteSet) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

func (s byteSet) meets(o byteSet) bool {
	return s[0]&o[0]|s[1]&o[1]|s[2]&o[2]|s[3]&o[3] != 0
}

// need is a number of bytes of a set that any text that matches has.
type need struct {
	of    byteSet
	count int
}

func newPattern(text string) (pattern, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return pattern{}, err
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{}, err
	}
	return pattern{re, needsOf(tree, nil, 1)}, nil
}

// needsOf adds what times matches of an expression need, one after another. What is not sure is left out: of
// alternatives, for one, nothing is needed.
func needsOf(x *syntax.Regexp, needs []need, times int) []need {
	switch x.Op {
	case syntax.OpLiteral:
		for _, r := range x.Rune {
			needs = addNeed(needs, literalSet(r, x.Flags&syntax.FoldCase != 0), times)
		}
	case syntax.OpCharClass:
		needs = addNeed(needs, classSet(x.Rune), times)
	case syntax.OpConcat:
		for _, sub := range x.Sub {
			needs = needsOf(sub, needs, times)
		}
	case syntax.OpCapture, syntax.OpPlus:
		needs = needsOf(x.Sub[0], needs, times)
	case syntax.OpRepeat:
		if x.Min > 0 {
			needs = needsOf(x.Sub[0], needs, times*x.Min)
		}
	}
	return needs
}

func addNeed(needs []need, of byteSet, count int) []need {
	for i := range needs {
		if needs[i].of == of {
			needs[i].count += count
			return needs
		}
	}
	return append(needs, need{of, count})
}

// addRune adds the byte that a rune begins with. What is not ASCII stands for all bytes that are not, as an expression
// takes one that is not UTF-8 for U+FFFD.
func (s *byteSet) addRune(r rune) {
	if r <= unicode.MaxASCII {
		s.add(byte(r))
		return
	}
	s[2], s[3] = ^uint64(0), ^uint64(0)
}

func literalSet(r rune, fold bool) (s byteSet) {
	s.addRune(r)
	if fold {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			s.addRune(f)
		}
	}
	return s
}

// classSet takes pairs of the first and last rune of a range.
func classSet(ranges []rune) (s byteSet) {
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= min(ranges[i+1], unicode.MaxASCII+1); r++ {
			s.addRune(r)
		}
		if ranges[i+1] > unicode.MaxASCII {
			s.addRune(ranges[i+1])
		}
	}
	return s
}

// matchesAny tells whether a pattern matches a text.
func matchesAny(patterns []pattern, text []byte) bool {
	var there byteSet
	for _, b := range text {
		there.add(b)
	}
	for i := range patterns {
		if patterns[i].possible(there, text) && patterns[i].re.Match(text) {
			return true
		}
	}
	return false
}

// possible is false only where the expression does not match.
func (p *pattern) possible(there byteSet, text []byte) bool {
	for i := range p.needs {
		if !p.needs[i].of.meets(there) || len(text) < p.needs[i].count {
			return false
		}
	}
	for i := range p.needs {
		n := &p.needs[i]
		if n.count == 1 {
			continue
		}
		count := 0
		for _, b := range text {
			if n.of.has(b) {
				count++
			}
		}
		if count < n.count {
			return false
		}
	}
	return true
}
