package drain

import "strings"

// word writes a word of the line, its values masked: as a whole when it is a path, URL, address, UUID or hex number, else
// segment by segment, so that numbers, times, IP addresses, versions and counted names (blk_12, node-3) are all seen.
func (s *Scanner) word(w string) {
	body := strings.TrimRight(w, ".!?…")
	if body == "" {
		s.literal(w)
		return
	}
	if wholeValue(body) {
		s.mask()
	} else {
		s.segments(body)
	}
	if len(body) < len(w) {
		s.literal(w[len(body):])
	}
}

func wholeValue(w string) bool {
	switch {
	case w[0] == '/' && len(w) > 1, strings.HasPrefix(w, "./"), strings.HasPrefix(w, "../"):
		return true
	case strings.Contains(w, "://"):
		return true
	case strings.HasPrefix(w, "0x"), strings.HasPrefix(w, "0X"):
		return len(w) > 2 && hexDigits(w[2:])
	case strings.Count(w, ":") >= 2 && hexDigits(w):
		return true
	case len(w) == 36 && w[8] == '-' && w[13] == '-':
		return true
	case len(w) > 3 && w[1] == ':' && w[2] == '\\':
		return true
	}
	at := strings.IndexByte(w, '@')
	return at > 0 && strings.IndexByte(w[at:], '.') > 1 || host(w)
}

// host reports a name of at least three labels that has a port, or two digits, which a package's name seldom has.
func host(w string) bool {
	name, port, found := strings.Cut(w, ":")
	dots, digits := 0, 0
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			dots++
		case digit(c):
			digits++
		case !wordByte(c) && c != '-':
			return false
		}
	}
	if found {
		return dots >= 1 && port != "" && digit(port[0]) && digit(port[len(port)-1])
	}
	return dots >= 2 && digits >= 2
}

// dateWords gives the length of the day and month that line starts with ("Sun Jul"), else 0.
func dateWords(line string) int {
	const days, months = "MonTueWedThuFriSatSun", "JanFebMarAprMayJunJulAugSepOctNovDec"
	if len(line) < 7 || line[3] != ' ' || len(line) > 7 && wordByte(line[7]) {
		return 0
	}
	if d, m := strings.Index(days, line[:3]), strings.Index(months, line[4:7]); d < 0 || d%3 != 0 || m < 0 || m%3 != 0 {
		return 0
	}
	return 7
}

// segments writes w with the values among its segments masked. Signs and joints around a value are part of the value.
func (s *Scanner) segments(w string) {
	from := 0
	if len(w) > 1 && (w[0] == '-' || w[0] == '+') && digit(w[1]) {
		from = 1
	}
	for from < len(w) {
		end := from
		for end < len(w) && !joint(w[end]) {
			end++
		}
		if end > from {
			s.segment(w[from:end])
		}
		if end < len(w) {
			s.literal(w[end : end+1])
			end++
			if end+1 < len(w) && w[end] == '-' && digit(w[end+1]) {
				end++
			}
		}
		from = end
	}
}

// segment writes one segment: a value as <*>, a name with a number behind it as name<*>, anything else as it is.
func (s *Scanner) segment(g string) {
	first, last, runs := digitRuns(g)
	switch {
	case runs == 0 && !(len(g) >= 16 && hexDigits(g)):
		s.literal(g)
	case first == 0, runs > 1, len(g) >= 6 && hexDigits(g):
		s.mask()
	case last == len(g):
		s.literal(g[:first])
		s.mask()
	default:
		s.literal(g)
	}
}

// digitRuns gives where the first run of digits starts, where the last one ends, and how many there are.
func digitRuns(g string) (first, last, runs int) {
	for i := range len(g) {
		if !digit(g[i]) {
			continue
		}
		if runs == 0 {
			first = i
		}
		if i == 0 || !digit(g[i-1]) {
			runs++
		}
		last = i + 1
	}
	return first, last, runs
}

// hexDigits reports text of hex digits alone, colons aside.
func hexDigits(g string) bool {
	for i := range len(g) {
		if g[i] == ':' {
			continue
		}
		c := g[i] | 0x20
		if !digit(g[i]) && !(c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

func joint(c byte) bool {
	switch c {
	case '.', '-', '_', ':', '/', '@', '#', '+', '\\', '$', '&', '*', '~':
		return true
	}
	return false
}
