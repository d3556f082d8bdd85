// Package admit decides which requests come in when not all can. It reads no clock and does no I/O; many goroutines may
// use one Gate.
//
//	          ┌ name ┐   ┌ room, log, requests/s ┐   ┌ room, as bytes come ┐   ┌ items/s, bytes/s ┐
//	request ─►│Begin │──►│         Begin         │──►│       Reserve       │──►│      Charge      │──► log, End
//	          └──────┘   └───────────────────────┘   └─────────────────────┘   └──────────────────┘
//	           malformed       overload, rate               overload                   rate
//
// # Rates
//
// Each tenant has token buckets for requests, items and bytes. One rule for giving back: who is told to come again has
// paid nothing. The gate does that for what it refuses itself; for what is refused later the caller calls Refund. What
// the client must not send again, such as a malformed request, is paid for.
//
// # Room
//
// Bytes of requests that are being served cannot be taken back from a noisy tenant when a quiet one comes; so some are
// kept for it. Of the limit, a share (Settings.Reserve) is for tenants within their share alone, the rest is the room:
//
//	0                              t·room              room              limit
//	├───────────────────────────────┼───────────────────┼─────────────────┤
//	  everybody                       p = (u − t)/(1 − t)  only who is
//	                                  for who is above     within its share
//	                                  the fair level
//
// u is what is held by all, as a share of the room. The share of a tenant is t·room·w/W, its weight among those that
// hold anything. The fair level is max-min (Bertsekas and Gallager, Data Networks §6.5.2): λ with Σ min(held, λ·w) = t·room,
// so that who needs less than its share leaves the rest to the others. A lone tenant thus has the whole room, and no tenant
// is asked to shrink while there is room for all.
//
// Invariants, of which the last is what a quiet tenant lives on:
//
//	held ≤ limit
//	a tenant gets bytes above its share only while all hold at most the room then
//	so tenants within their shares find at least limit − room free besides what they hold themselves
//
// They have more than that as soon as what the others hold above their shares has been served, since nothing is added to it.
//
// A request draws its luck once, however often it asks for room; so a request in many pieces is not refused more often.
//
// # Logs
//
// Behind the gate is a log for each signal. Its fill works like u, for that signal alone, so that the full log of one
// signal costs the others nothing. Who put little into it of late, below the max-min level of t times all that came,
// is left alone.
//
// # Tenants
//
// Their number is bounded: tenants with limits of their own always have a place, the others as long as there are places;
// the one that was idle for longest makes room for a new one. Without an idle one the new one is accounted under Other.
// Counts of a tenant that made room go to Other, so that sums stay right.
package admit
