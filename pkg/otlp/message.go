package otlp

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxMessage bounds what Message gives, in bytes.
const MaxMessage = 1024

// Message tells the sender in one text what was refused and then, as warnings, what was mended: each kind once, by its
// first. Paths are in the names of JSON or in those of protobuf. It is empty if nothing is to be told, and always UTF-8
// of at most MaxMessage bytes.
func (r *Request) Message(json bool) string {
	var told []string
	tell := func(what, path, text string, n int) {
		if json {
			path = JSONPath(path)
		}
		line := what + shortenPath(path) + ": " + shorten(text, 256)
		if n > 1 {
			line += fmt.Sprintf("; and %d more", n-1)
		}
		told = append(told, line)
	}
	for _, f := range r.Refusals() {
		tell("", f.Path, f.Text, f.Items)
	}
	for _, f := range r.Repairs() {
		tell("warning: ", f.Path, f.Text, f.Count)
	}
	return shorten(strings.Join(told, ". "), MaxMessage)
}

// shorten gives s as UTF-8 of at most n bytes.
func shorten(s string, n int) string {
	const dots = "…"
	if s = strings.ToValidUTF8(s, string(utf8.RuneError)); len(s) <= n {
		return s
	}
	for n -= len(dots); !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + dots
}

// shortenPath leaves out the middle of a long path: its ends tell the item and the field.
func shortenPath(path string) string {
	const head, tail = 120, 60
	if len(path) <= head+tail {
		return path
	}
	return path[:head] + "…" + path[len(path)-tail:]
}
