// Package body reads the body of a log record: the text that people see, and the part of it that a template is made from.
// It is pure.
//
// Any value may be a body. A string is its own text; everything else is written as JSON, bytes as base64. A template is
// made from words, so of a map only the message counts, and bytes never do: their base64 has letters and no words.
package body
