// Package pipeline passes telemetry through the stages that a configuration names, on the bytes of OTLP:
//
//	request ─ match ─ stage ─ stage ─ … ─ service
//	                    │       └ route ─ another pipeline, or a destination
//	                    └ filter: dropped
//
// An item, that is a span, a log record or a point, is taken by the first pipeline of its signal whose match holds, and
// goes to the destination "service" at the end of its pipeline; an item that no pipeline takes goes there at once. What
// a condition cannot be evaluated on, as for an attribute that is absent, it does not hold for.
//
// Bounds. Pipelines that lead to each other in a cycle are refused by Load. At run time a request has, for each pipeline
// that takes items of it, a number of steps, a number of hops and a time. They are those of the pipeline that took the
// item first, wherever it goes from there, so a chain cannot multiply them. An item that is over them is dropped if a
// mask lies on one of the ways that are left to it, because a secret that gets out cannot be called back; any other item
// goes on to "service" as it is, because what a filter or a transform did not do can be done later. Both are counted.
//
// Invariants. What Run gives out is a valid request if what came in was one. An item that no stage edited is byte for
// byte what it was, and fields that this version of OTLP does not know stay. Each destination gets its items in the
// order of the request. The outcome depends on the configuration, the request and the tenant alone, but where the time
// ran out.
package pipeline
