// Package expr compiles the expressions of a pipeline, in CEL, and evaluates them on items that stay bytes.
//
//	item        the span, log record or point: item.name, item.duration, … (fields.go lists them by signal)
//	attributes  of the item, by name: attributes["http.route"]
//	resource    attributes of its resource: resource["service.name"]
//	scope       its instrumentation scope: scope.name, scope.version, scope.attributes["x"]
//	tenant      whose it is
//
// An expression on resources sees resource and tenant only. A variable is bound by a walk of the wire format when the
// expression reaches it: what is not named is not decoded.
//
// Types are checked when the expression is compiled, so a field that the signal does not have is found there. At run
// time an expression can fail on what came, as for an attribute that is absent: Holds is false then and says so.
//
// Invariants. Evaluation ends: CEL has no loops but over lists and maps that are there. One without any has a cost
// known from its text and from what it reads; one with such a loop is metered and stopped at MaxCost. The value
// depends on the item and the tenant alone. A Program may be used by many goroutines, a Record by one.
package expr
