package drain

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// ID identifies a template; it is stable over restarts and machines.
type ID [8]byte

// String gives 16 lower-case hex digits.
func (d ID) String() string { return hex.EncodeToString(d[:]) }

// MarshalText gives what String gives.
func (d ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads 16 hex digits.
func (d *ID) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("%d characters, want %d hex digits", len(text), 2*len(d))
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return fmt.Errorf("%q, want %d hex digits", text, 2*len(d))
	}
	return nil
}

// Other is the text of the template that gathers what no other has room for.
const Other = "other"

// Template is a mined text with what was counted under it.
type Template struct {
	ID ID
	// Leaf is where the tree keeps it.
	Leaf Leaf
	// Tokens join to the text.
	Tokens []string
	// Floor is the least number of constant tokens it may be left with.
	Floor int
	// Count is how many lines are accounted to it. For Other that includes the counts of evicted templates.
	Count uint64
	// Hits is how many lines came to it since the owner of the Miner last set it to 0.
	Hits uint64
	// First and Last bound the times of its lines.
	First, Last time.Time
	// Severity is the highest severity number seen.
	Severity int32
	// Aliases are the ids of templates that were found to be this one, latest last.
	Aliases []ID
	// Example is the start of the line that made it.
	Example string

	rank    float64 // of use, decayed; see Miner.touch
	changed bool
}

// Leaf names a leaf of the tree: the number of tokens, and the first token without a value, or "" for the leaf of
// lines without one and of those that came when the level was full.
type Leaf struct {
	Length int
	Token  string
}

// Text gives the template with <*> for what varies.
func (t *Template) Text() string { return strings.Join(t.Tokens, "") }

// match compares line with the template, position by position: how many constants agree, and of how many.
func (t *Template) match(line Tokens) (equal, constants int) {
	for i, token := range t.Tokens {
		if wild(token) {
			continue
		}
		constants++
		if token == string(line.At(i)) {
			equal++
		}
	}
	return equal, constants
}

// widen puts a wildcard where the line differs; it tells whether the text has changed.
func (t *Template) widen(line Tokens) bool {
	widened := false
	for i, token := range t.Tokens {
		if wild(token) {
			continue
		}
		if at := line.At(i); token != string(at) {
			t.Tokens[i] = wildFor(token, at)
			widened = true
		}
	}
	return widened
}

// covers tells that every line of u, a template of the same leaf, is one of t's too.
func (t *Template) covers(u *Template) bool {
	for i, token := range t.Tokens {
		if token != u.Tokens[i] && !wild(token) {
			return false
		}
	}
	return true
}

// wildFor makes the wildcard for two tokens; the blank before and the separator behind stay when they have both.
func wildFor(a string, b []byte) string {
	w := Wildcard
	if a[0] == ' ' && b[0] == ' ' {
		w = " " + w
	}
	if last := a[len(a)-1]; last == b[len(b)-1] && separator(last) && last != '>' {
		w += string(last)
	}
	return w
}

// wild tells that a token holds a value and nothing else that is worth comparing.
func wild[T string | []byte](token T) bool {
	i := 0
	found := false
	for i < len(token) {
		if len(token)-i >= len(Wildcard) && string(token[i:i+len(Wildcard)]) == Wildcard {
			i += len(Wildcard)
			found = true
			continue
		}
		if wordByte(token[i]) {
			return false
		}
		i++
	}
	return found
}

// Tokens is a line cut up; it belongs to the Scanner that made it.
type Tokens struct {
	form []byte
	ends []int
}

// Len is the number of tokens.
func (t Tokens) Len() int { return len(t.ends) }

// At gives token i.
func (t Tokens) At(i int) []byte {
	if i == 0 {
		return t.form[:t.ends[0]]
	}
	return t.form[t.ends[i-1]:t.ends[i]]
}

// Text gives the canonical form.
func (t Tokens) Text() string { return string(t.form) }

// strings copies the tokens out of the Scanner.
func (t Tokens) strings() []string {
	text := string(t.form)
	out, start := make([]string, len(t.ends)), 0
	for i, end := range t.ends {
		out[i], start = text[start:end], end
	}
	return out
}

// key gives the first token without a value; nil when there is none.
func (t Tokens) key() []byte {
	for i := range t.ends {
		if token := t.At(i); !bytes.Contains(token, []byte(Wildcard)) {
			return token
		}
	}
	return nil
}

func (t Tokens) constants() int {
	n := 0
	for i := range t.ends {
		if !wild(t.At(i)) {
			n++
		}
	}
	return n
}

// makeID hashes the service and a template's first form; a zero byte keeps the two apart.
func makeID(service, form string) ID {
	h := xxhash.New()
	_, _ = h.WriteString(service)
	_, _ = h.Write([]byte{0})
	_, _ = h.WriteString(form)
	return ID(h.Sum(nil))
}
