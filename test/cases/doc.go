// Package cases runs inputs that went wrong somewhere in public against the built binary, over its public doors: OTLP in,
// REST out. testdata holds cases of our own in the same format; TRIFLOW_CASES names a folder with more.
//
// A case says what is right: one preferred outcome with weaker ones that are tolerated, or checks after its steps; what is
// forbidden whatever else holds; and what must hold at the end. All literal times hang on T0, 2026-01-01T00:00:00Z, and
// are moved so that T0 was ten seconds ago.
//
// What it promises: each case has a process and a store of its own. A word that the harness does not know fails the case,
// and so does one that the product cannot answer, but for those in the table notYet, each with its reason.
package cases
