package drain

import (
	"bytes"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// similarity is the least share of a template's constants that a line must repeat to join it.
	similarity = 0.6
	// keep is the share of its first constants that a template never falls below.
	keep = 0.4
	// maxKeys is how many tokens the tree tells apart at one length (Drain's max child).
	maxKeys = 100
	// patience is how many templates may differ in little before they are taken for one with a variable: "VM started"
	// and "VM stopped" are two events, but a word that has taken a fifth form is a value.
	patience = 4
	// maxAliases bounds the ids that a template remembers of those it took in.
	maxAliases = 256
	// maxExample bounds the bytes of the one line that is kept.
	maxExample = 1 << 10
)

// Limits bounds a Miner.
type Limits struct {
	// Templates is the most templates held beside Other; at least 1.
	Templates int
	// Tokens is how many tokens of a line are looked at; at least 1.
	Tokens int
}

// Miner holds the templates of one service. It serves one goroutine.
type Miner struct {
	service   string
	limits    Limits
	templates map[ID]*Template
	leaves    map[Leaf][]*Template
	keys      map[int]int // leaves with a token, by length
	other     *Template
	lines     float64 // lines added, the clock of rank
	scan      Scanner
	changed   []*Template
	removed   []ID
	near      []*Template // scratch of find
}

// Line is what is mined.
type Line struct {
	Text     string
	Time     time.Time
	Severity int32
}

// New makes an empty Miner for a service.
func New(service string, limits Limits) *Miner {
	return &Miner{
		service:   service,
		limits:    limits,
		templates: map[ID]*Template{},
		leaves:    map[Leaf][]*Template{},
		keys:      map[int]int{},
		other:     &Template{ID: makeID(service, "\x00"+Other), Tokens: []string{Other}},
	}
}

// Restore takes in a template as Changed gave it, before the first Add.
func (m *Miner) Restore(t Template) {
	t.Hits, t.changed = 0, false
	if t.ID == m.other.ID {
		*m.other = t
		return
	}
	t.rank = math.Log2(float64(t.Count))
	m.insert(&t)
}

// Add counts a line and returns the template it is counted under, which stays the Miner's own.
func (m *Miner) Add(line Line) *Template {
	m.lines++
	t := m.find(m.scan.Scan(line.Text, m.limits.Tokens), line)
	t.Count++
	t.Hits++
	t.see(line.Time, line.Time, line.Severity)
	m.touch(t)
	m.mark(t)
	return t
}

// Len is the number of templates, Other not counted.
func (m *Miner) Len() int { return len(m.templates) }

// All calls yield with each template, Other too once it has a count, in no order, until it returns false.
func (m *Miner) All(yield func(*Template) bool) {
	if m.other.Count > 0 && !yield(m.other) {
		return
	}
	for _, t := range m.templates {
		if !yield(t) {
			return
		}
	}
}

// Changed gives copies of the templates that differ since the last call, and the ids of those that are gone.
func (m *Miner) Changed() (changed []Template, removed []ID) {
	for _, t := range m.changed {
		if !t.changed {
			continue
		}
		t.changed = false
		c := *t
		c.Tokens = append([]string(nil), t.Tokens...)
		changed = append(changed, c)
	}
	removed = m.removed
	m.changed, m.removed = m.changed[:0], nil
	return changed, removed
}

// find gives the template of a line: one that has it in its own leaf or in the common leaf of its length, else a new
// one, or, once there are too many that nearly have it, the nearest of them, widened.
func (m *Miner) find(tokens Tokens, line Line) *Template {
	if tokens.Len() == 0 {
		return m.other
	}
	leaf := Leaf{Length: tokens.Len(), Token: string(tokens.key())}
	common := Leaf{Length: leaf.Length}
	m.near = m.near[:0]
	t, full := m.search(m.leaves[leaf], tokens)
	if !full && leaf != common {
		if u, same := m.search(m.leaves[common], tokens); same || t == nil {
			t, full = u, same
		}
	}
	switch {
	case full:
		return t
	case len(m.near) < patience:
		return m.create(tokens, leaf, line)
	}
	t.widen(tokens)
	for _, u := range m.near {
		if u != t && u.Leaf == t.Leaf && t.covers(u) {
			m.absorb(t, u)
		}
	}
	return t
}

// search gives the template whose constants are all in the line, the one with the most (full), else the nearest of
// those that the line may join, which are added to m.near; nil for none.
func (m *Miner) search(templates []*Template, line Tokens) (found *Template, full bool) {
	most := -1
	for _, t := range templates {
		equal, constants := t.match(line)
		same := equal == constants
		switch {
		case same && constants == 0 && t.Text() != string(line.form), same != full && !same:
			continue
		case !same:
			if equal < t.Floor || float64(equal) < similarity*float64(constants) {
				continue
			}
			m.near = append(m.near, t)
		case !full:
			full, most = true, -1
		}
		if equal > most || equal == most && nearer(t, found) {
			found, most = t, equal
		}
	}
	return found, full
}

// nearer breaks a tie in a way that does not depend on the order in a leaf.
func nearer(a, b *Template) bool {
	if a.Count != b.Count {
		return a.Count > b.Count
	}
	return bytes.Compare(a.ID[:], b.ID[:]) < 0
}

// absorb makes u, all of whose lines t has, a part of t.
func (m *Miner) absorb(t, u *Template) {
	m.remove(u)
	t.Count += u.Count
	t.Hits += u.Hits
	t.see(u.First, u.Last, u.Severity)
	t.Aliases = append(append(t.Aliases, u.Aliases...), u.ID)
	if over := len(t.Aliases) - maxAliases; over > 0 {
		t.Aliases = append([]ID(nil), t.Aliases[over:]...)
	}
	m.removed = append(m.removed, u.ID)
}

// create starts a template with the line. An id that is taken, which only a collision of hashes can do, is shared.
func (m *Miner) create(tokens Tokens, leaf Leaf, line Line) *Template {
	form := tokens.Text()
	id := makeID(m.service, form)
	if t := m.templates[id]; t != nil {
		return t
	}
	if m.leaves[leaf] == nil && m.keys[leaf.Length] >= maxKeys {
		leaf.Token = ""
	}
	if len(m.templates) >= m.limits.Templates {
		m.evict()
	}
	t := &Template{
		ID:      id,
		Leaf:    Leaf{Length: leaf.Length, Token: strings.Clone(leaf.Token)},
		Tokens:  tokens.strings(),
		Floor:   max(1, int(math.Ceil(keep*float64(tokens.constants())))),
		Example: cut(line.Text, maxExample),
		rank:    math.Inf(-1),
	}
	m.insert(t)
	return t
}

func (m *Miner) insert(t *Template) {
	if m.leaves[t.Leaf] == nil && t.Leaf.Token != "" {
		m.keys[t.Leaf.Length]++
	}
	m.templates[t.ID] = t
	m.leaves[t.Leaf] = append(m.leaves[t.Leaf], t)
}

// evict moves the count of the least used template to Other.
func (m *Miner) evict() {
	var victim *Template
	for _, t := range m.templates {
		if victim == nil || t.rank < victim.rank || t.rank == victim.rank && bytes.Compare(t.ID[:], victim.ID[:]) < 0 {
			victim = t
		}
	}
	m.remove(victim)
	m.other.Count += victim.Count
	m.other.Hits += victim.Hits
	m.other.see(victim.First, victim.Last, victim.Severity)
	m.mark(m.other)
	m.removed = append(m.removed, victim.ID)
}

func (m *Miner) remove(t *Template) {
	t.changed = false
	delete(m.templates, t.ID)
	rest := m.leaves[t.Leaf]
	for i, u := range rest {
		if u == t {
			rest[i] = rest[len(rest)-1]
			rest = rest[:len(rest)-1]
			break
		}
	}
	if len(rest) > 0 {
		m.leaves[t.Leaf] = rest
		return
	}
	delete(m.leaves, t.Leaf)
	if t.Leaf.Token == "" {
		return
	}
	if m.keys[t.Leaf.Length]--; m.keys[t.Leaf.Length] == 0 {
		delete(m.keys, t.Leaf.Length)
	}
}

// touch raises the rank of t: the base-2 logarithm of a count of uses that halves every halfLife lines, taken back to
// line 0. So ranks of any age compare as they are, and a rare template outlives a flood of lines that never return.
func (m *Miner) touch(t *Template) {
	now := m.lines / (100 * float64(m.limits.Templates))
	t.rank = now + math.Log2(1+math.Exp2(t.rank-now))
}

func (m *Miner) mark(t *Template) {
	if !t.changed {
		t.changed = true
		m.changed = append(m.changed, t)
	}
}

// see takes in the times and severity of lines.
func (t *Template) see(first, last time.Time, severity int32) {
	if t.First.IsZero() || first.Before(t.First) {
		t.First = first
	}
	if last.After(t.Last) {
		t.Last = last
	}
	t.Severity = max(t.Severity, severity)
}

// cut gives a copy of at most n bytes of s that ends with a whole rune.
func cut(s string, n int) string { return strings.Clone(s[:whole(s, n)]) }

// whole gives the length, at most n, of the part of s that ends with a whole rune.
func whole(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}
