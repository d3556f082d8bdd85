// Package breaker keeps calls from what fails. It is the circuit breaker of Nygard, Release It! (2nd ed., §5.2), with
// permits in place of a wrapped call, so that nothing is locked while the call is made.
//
//	         failures                  time is over
//	Closed ───────────► Open ───────────────────────► HalfOpen
//	   ▲                  ▲                              │ │
//	   │                  └──────── the probe failed ────┘ │
//	   └─────────────────────── enough probes succeeded ───┘
//
// Invariants. While it is open no permit is given. While it is half open at most one permit is out. A permit that was
// given before the state changed says nothing about the state after it, and is not counted. The time comes in with
// each call, so that a run can be replayed.
package breaker
