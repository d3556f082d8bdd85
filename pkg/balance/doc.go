// Package balance chooses which of several endpoints a call goes to.
//
//	probes ──► Health ──► Candidates ──► RoundRobin | LeastConnections | Consistent ──► one endpoint
//	                          ▲                                                              │
//	                          └───────── Round: what failed in this round ◄──────────────────┘
//
// Endpoints are numbers, their places in a list that the caller keeps. Candidates are those of the first priority that
// has any, so that a standby works only while no primary can, and gives way when one is healthy again. Endpoints of one
// priority share the load.
//
// All of it is pure: it reads no clock, starts nothing and calls nobody. Nothing in it may be used by several
// goroutines at a time, but for Consistent, which never changes.
package balance
