// Package drain mines log templates: texts in which the parts that vary are replaced by <*>.
//
// The method is Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017): values
// are masked, a tree of fixed depth leads from the number of tokens and one telling token to a leaf, and the line joins the
// most similar template there or starts one. Where we differ, and why:
//
//   - Tokens end at blanks and at punctuation, which they keep, so `user=bob,role=admin` is four tokens and not one.
//   - Values are found by scanners written by hand (value.go), not by regular expressions: one pass, no allocation.
//   - The tree asks for the first token without a value in it, so a line that starts with one finds its like.
//   - A wildcard counts neither for nor against a match. What must agree are constants, and a template never falls below
//     two fifths of the constants of its first line: it cannot erode until it swallows everything.
//   - The number of templates is bounded. The least used goes, and its count moves to Other, so that the counts of
//     a Miner always add up to the lines it has seen.
//
// A template's id is made from the service and the first form of the template, and stays when the template widens; a line
// that made a template, or joined it, finds it again as long as the template lives. The package reads no clock and does no I/O.
package drain
